"""Searches on a table of curves that go on in the space which their first half suggests, in virtual time."""

import ast
import hashlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import hpo.search.commands.suggest_space
import hpo.studies.records
import optuna
from hpo.errors import StudyError
from hpo.search.commands.suggest_space.suggest import suggest
from hpo.search.configuration.claim import Claimer
from hpo.search.configuration.warm_start import warm_start
from hpo.search.executors.clock import VirtualClock
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Goal, Places
from hpo.search.loop.loop import Loop
from hpo.search.progress.base import NoProgress
from hpo.search.strategy.strategy import build_strategy
from hpo.spaces.parameter import Choice
from hpo.spaces.space import SearchSpace
from hpo.studies.book.book import Book
from hpo.studies.book.first_trials import enqueue
from hpo.studies.records.summarise import summarise
from hpo.studies.store.plain_storage import PlainStorage
from hpo.studies.store.transaction import engine_of
from hpo.studies.tracking.events import Event, TrialStarted
from search_entrants import bare, what_decides
from search_ours import NOWHERE, Entrant, Rows, Watch, store
from search_spaces import Pool, TableSpace, space_of
from search_tables import CurveTable
from search_trace import Meter, Trace

OLD, GOES_ON = "the study goes on, the old space", "the study goes on, the suggested space"
AGAIN, NEW = "a new study, the old space", "a new study, the suggested space"
WAYS = (OLD, GOES_ON, AGAIN, NEW)
"""How the second half of the epochs is spent: by the same study, in the suggested space with --accept-space-change, or
by another one with --warm-start; in the space that there was, or in the one that is suggested then."""

IN_OLD = {GOES_ON: OLD, NEW: AGAIN}
"""What differs from a way by its space alone."""


@dataclass
class Fixing(Watch):
    """Adds to what is proposed the values that the space has fixed, by which a row is found, too."""

    fixed: Mapping[str, Any] = field(default_factory=dict)

    def tell(self, event: Event) -> None:
        """Hear of an event."""
        if isinstance(event, TrialStarted):
            event = replace(event, params={**self.fixed, **event.params})
        super().tell(event)


@dataclass
class Search:
    """A search on a table by `entrant`, which may go on in another space; each row may be tried once in a `study`."""

    entrant: Entrant
    table: CurveTable
    seed: int
    clock: VirtualClock
    meter: Meter
    watch: Fixing
    study: optuna.Study
    checkpoints: dict[int, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, entrant: Entrant, table: CurveTable, seed: int) -> "Search":
        """A search that has done nothing yet."""
        clock, meter = VirtualClock(), Meter(table, 0)
        watch = Fixing(Pool(table), meter, clock)
        return cls(entrant, table, seed, clock, meter, watch, _study(store()))

    def copy(self) -> "Search":
        """The search as it is, to go on in another way."""
        # at once, so that what they share they share again; the table is not copied, nor is what is in no memory
        kept = {id(self.table): self.table}
        clock, meter, watch = deepcopy((self.clock, self.meter, self.watch), kept)
        copied = store()
        engine_of(self.study._storage).raw_connection().driver_connection.backup(  # type: ignore[union-attr]
            engine_of(copied).raw_connection().driver_connection
        )
        study = optuna.load_study(storage=copied, study_name="s")
        return replace(self, clock=clock, meter=meter, watch=watch, study=study, checkpoints=dict(self.checkpoints))

    def anew(self, space: TableSpace) -> "Search":
        """Another study, which goes on where this one is, with its best trials and then the priors of `space`."""
        watch = Fixing(Pool(self.table), self.meter, self.clock)
        other = replace(self, watch=watch, study=_study(store()), checkpoints={})
        try:
            best = warm_start(self.study._storage, "s", space)
        except StudyError:  # no trial has come to its end
            best = []
        enqueue(other.study, best, space.priors())
        return other

    def go_on(self, space: TableSpace, until: int) -> None:
        """Search `space` until so many epochs are used up, as another `hpo run` of the study."""
        strategy = build_strategy(
            space,
            strategy=self.entrant.strategy,
            sampler=self.entrant.sampler,
            pruner=self.entrant.pruner,
            seed=self.seed,
            direction="minimize",
            epochs=self.table.epochs,
            trials=self.table.rows,
        )
        self.meter.cap, self.watch.fixed = until, space.fixed
        self.watch.pool.keep_to(space)
        book = Book(self.study, Rows(Claimer(space, strategy), self.table.rows), self.clock.now)
        executor = SimulatedExecutor(self.watch.curve, 1, self.clock, checkpoints=self.checkpoints)
        places = Places(NOWHERE, lambda number: NOWHERE / str(number))
        loop = Loop(book, strategy, executor, self.watch, NoProgress(), self.clock, Goal(), places)
        for _ in loop.turns():
            if self.meter.is_over:
                loop.interrupt()

    def suggested(self, space: TableSpace) -> TableSpace:
        """The space that the study suggests after `space`; no range is widened, as the table ends there."""
        trials = summarise(self.study._storage, "s").best_first()
        made = suggest(space, [trial.params for trial in trials], lambda other: _is_within(other, space)).space
        return replace(space, parameters=made.parameters, values=made.values)


def search(name: str, table: CurveTable, seed: int, epochs: int) -> dict[str, Trace]:
    """Search a table for so many epochs, the second half of them in each of WAYS."""
    space = space_of(table)
    first = Search.begin(Entrant.named(name), table, seed)
    first.go_on(space, epochs // 2)
    suggested = first.suggested(space)
    ways = {
        OLD: (first.copy(), space),
        GOES_ON: (first.copy(), suggested),
        AGAIN: (first.copy().anew(space), space),
        NEW: (first.copy().anew(suggested), suggested),
    }
    for each, own in ways.values():
        each.go_on(own, epochs)
    return {way: each.meter.trace() for way, (each, _) in ways.items()}


def _study(storage: PlainStorage) -> optuna.Study:
    return optuna.create_study(storage=storage, study_name="s", direction="minimize")


def _is_within(other: SearchSpace, space: SearchSpace) -> bool:
    """Whether no range of another space goes beyond that of a space."""
    ranges = [(each, space.by_key[each.key]) for each in other.parameters if not isinstance(each, Choice)]
    return all(before.low <= each.low and each.high <= before.high for each, before in ranges)  # type: ignore[union-attr]


@cache
def what_suggests() -> str:
    """Return a digest of the code that decides what is suggested, without docstrings and comments."""
    folders = (hpo.search.commands.suggest_space, hpo.studies.records)
    files = sorted(path for folder in folders for path in Path(*folder.__path__).glob("*.py"))
    code = "".join(ast.dump(bare(path)) for path in files)
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def key_of(way: str, name: str, table: CurveTable, seed: int, epochs: int) -> str:
    """What decides what a search finds."""
    suggests = what_suggests() if way in IN_OLD else ""
    return f"{way} {suggests} | {name} | {what_decides(name)} | {table.digest} | {seed} | {epochs}"
