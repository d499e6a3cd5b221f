"""Searches of `hpo run` on a table of curves, in virtual time: its strategy, loop, book and store, without training."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from hpo.search.configuration.claim import Claim, Claimer
from hpo.search.executors.base import Job
from hpo.search.executors.clock import VirtualClock
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Goal, Places
from hpo.search.loop.ledger import Ledger
from hpo.search.loop.loop import Loop
from hpo.search.progress.base import NoProgress
from hpo.search.strategy.strategy import build_strategy
from hpo.studies.book.book import Book
from hpo.studies.book.first_trials import enqueue
from hpo.studies.book.terms import Beginning, Exhausted, Opening
from hpo.studies.store.plain_storage import PlainStorage
from hpo.studies.tracking.events import Epoch, Event, TrialStarted
from hpo.studies.tracking.tracker import NullTracker
from hpo.training.report import EpochReport
from search_spaces import PRIORS, Pool, space_of, with_priors
from search_tables import CurveTable
from search_trace import Meter, Trace
from sqlalchemy.pool import StaticPool

# a power of two, so that sums are exact; below the loop's tick, so that no turn of it is idle
EPOCH_S = 2.0**-4

# nothing is written below it: no trial of a simulation has a checkpoint
NOWHERE = Path("/nonexistent")


@dataclass
class Watch(NullTracker):
    """Gives each trial the row that its parameters stand for, counts its epochs, and says when it is enough."""

    pool: Pool
    meter: Meter
    clock: VirtualClock
    rows: dict[int, int] = field(default_factory=dict)

    def tell(self, event: Event) -> None:
        """Hear of an event."""
        match event:
            case TrialStarted(number, params) if number not in self.rows:
                self.rows[number] = self.pool.take(params)
            case Epoch(number, epoch):
                if not self.meter.is_over:
                    self.meter.count(self.rows[number], epoch, self.clock.now() / EPOCH_S)

    def curve(self, job: Job) -> Sequence[EpochReport]:
        """Return the curve of a trial."""
        losses = self.meter.table.losses[self.rows[job.number]]
        return [
            EpochReport(epoch, {"val_loss": float(loss)}, EPOCH_S * epoch) for epoch, loss in enumerate(losses, start=1)
        ]


@dataclass(frozen=True)
class Entrant:
    """A strategy of `hpo run`, with the sampler and the pruner that it is given; None for its own.

    `prior` is one of search_spaces.PRIORS, "" for a space without.
    """

    strategy: str
    sampler: str | None = None
    pruner: str | None = None
    prior: str = ""

    @classmethod
    def named(cls, name: str) -> "Entrant":
        """Read `STRATEGY`, `STRATEGY+SAMPLER` or `STRATEGY+SAMPLER+PRUNER`, with `@` and one of PRIORS behind it.

        Raises:
            SystemExit: there is no such prior, or there are more parts.
        """
        named, prior = split_prior(name)
        parts = named.split("+")
        if prior and prior not in PRIORS:
            raise SystemExit(f"--strategies {name}: a prior is one of {', '.join(PRIORS)}")
        if len(parts) > 3:
            raise SystemExit(f"--strategies {name}: it is STRATEGY+SAMPLER+PRUNER at most")
        strategy, sampler, pruner = *parts, *[None] * (3 - len(parts))
        return cls(strategy, sampler, pruner, prior)


def split_prior(name: str) -> tuple[str, str]:
    """Return the name of an entrant without its prior, and the prior, "" for none."""
    without, _, prior = name.partition("@")
    return without, prior


def search(
    entrant: Entrant, table: CurveTable, seed: int, workers: int, cap: int, *, through_book: bool = False
) -> Trace:
    """Search a table until its best is found, or `cap` epochs are used up.

    Once each row was tried there is nothing new, as in a space of so many configurations.
    `through_book` keeps the study in a database in memory, as `hpo run` keeps it in one on disk; else it is in a
    ledger, which finds the same in a fraction of the time.
    """
    space = with_priors(table, entrant.prior) if entrant.prior else space_of(table)
    clock = VirtualClock()
    watch = Watch(Pool(table), Meter(table, cap), clock)
    strategy = build_strategy(
        space,
        strategy=entrant.strategy,
        sampler=entrant.sampler,
        pruner=entrant.pruner,
        seed=seed,
        direction="minimize",
        epochs=table.epochs,
        trials=table.rows,
    )
    if through_book:
        study = optuna.create_study(storage=store(), study_name="s", direction="minimize")
        enqueue(study, [], space.priors())
        book: Any = Book(study, Rows(Claimer(space, strategy), table.rows), clock.now)
    else:
        book = Ledger(space, strategy, table.rows)
    executor = SimulatedExecutor(watch.curve, workers, clock)
    places = Places(NOWHERE, lambda number: NOWHERE / str(number))
    loop = Loop(book, strategy, executor, watch, NoProgress(), clock, Goal(), places)
    for _ in loop.turns():
        if watch.meter.is_over:
            loop.interrupt()
    return watch.meter.trace()


@dataclass(frozen=True)
class Rows:
    """Begins trials as `claimer` does, as long as a row is left of `most`."""

    claimer: Claimer
    most: int

    def __call__(self, trial: Opening) -> Beginning[Claim] | Exhausted:
        """Begin a trial, or say that there is nothing new."""
        beginning = self.claimer(trial)  # at the end, too: the strategy is told who is paused as it proposes
        return Exhausted(self.most, "space") if trial.number >= self.most else beginning


def store() -> PlainStorage:
    """Return an empty store in memory."""
    return PlainStorage("sqlite://", engine_kwargs={"poolclass": StaticPool})
