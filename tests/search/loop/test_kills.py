"""A search at rungs whose coordinators are killed again and again, before, within and after any transaction.

The store is a file and so are the checkpoints. A coordinator that is killed never writes again, and its workers are
gone.
"""

import dataclasses
import os
import random
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hpo.search.commands.run.disk import most_checkpoints
from hpo.search.configuration import claim
from hpo.search.executors.base import Event, Job, Reported
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.loop import Loop
from hpo.search.strategy.base import WAIT
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.strategies.narrow_rungs import narrow_promotion
from hpo.search.strategy.strategies.rungs import even_promotion, rung_epochs
from hpo.studies.book import holdings, owner
from hpo.studies.records.strategy import StrategyRecord
from hpo.studies.store.rows import Transaction
from hpo.training.checkpoints.files import LAST
from optuna.trial import TrialState

from .world import EPOCHS, World

RUNGS, SLOTS = rung_epochs(EPOCHS), 2
PROMOTIONS = {"rungs": even_promotion, "narrow_rungs": narrow_promotion}
LIFE, NEVER = 16, 10**9  # transactions


class Killed(BaseException):
    """SIGKILL, as far as a process can play it."""


@dataclass(eq=False)
class OnDisk(SimulatedExecutor):
    """Keeps its checkpoints as files: how many epochs are done."""

    def submit(self, job: Job) -> None:
        file = job.directory / LAST
        self.checkpoints[job.number] = int(file.read_text()) if file.exists() else 0
        super().submit(job)

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        events = super().next_events(timeout_s)
        for event in events:
            if isinstance(event, Reported) and event.number in self._runs:
                directory = self._runs[event.number].job.directory
                directory.mkdir(exist_ok=True)
                (directory / LAST).write_text(str(event.report.epoch))
        return events


@dataclass
class Coordinator:
    """One that is killed at its transaction number `dies_at`, if it comes so far."""

    name: int
    dies_at: int
    loop: Loop
    turns: Generator[None, None, None]
    transactions: int = 0

    def kill(self, where: str) -> None:
        """Die, if it is time: at one of three places of a transaction, drawn by its number."""
        due = self.transactions > self.dies_at
        if due or (self.transactions == self.dies_at and where == ("before", "within", "after")[self.dies_at % 3]):
            raise Killed


class Killing:
    """A study with several coordinators, each of which is killed and followed by another."""

    def __init__(
        self, world: World, strategy: str, coordinators: int, trials: int, seed: int, patch: pytest.MonkeyPatch
    ) -> None:
        self.world, self.strategy, self.trials, self.random = world, strategy, trials, random.Random(seed)
        self.alive: dict[int, Coordinator] = {}
        self.current: Coordinator | None = None
        self.kills = self.names = self.ended = 0
        self.rests: dict[int, list[int | None]] = {}  # by trial, the rungs at which it was seen, None where it was not
        self.me = owner.Owner.me()
        self.begin = holdings.transaction
        patch.setattr(owner.Owner, "me", classmethod(lambda cls: dataclasses.replace(self.me, started=self.started)))
        patch.setattr(owner.Owner, "alive", lambda one: one.started in self.alive)
        patch.setattr(holdings, "transaction", self.transaction)
        # here it is never the trial that takes its coordinator down
        patch.setattr(claim, "MAX_ORPHANED", 10**9)
        self.count = coordinators
        self.most = 0

    @property
    def started(self) -> float:
        return 0.0 if self.current is None else float(self.current.name)

    @contextmanager
    def transaction(self, engine: Any, study_id: int) -> Iterator[Transaction]:
        current = self.current
        if current is None:
            with self.begin(engine, study_id) as rows:
                yield rows
            return
        current.transactions += 1
        current.kill("before")
        with self.begin(engine, study_id) as rows:
            yield rows
            current.kill("within")
        current.kill("after")

    def start(self) -> None:
        self.names += 1
        dies_at = self.random.randrange(1, LIFE)
        executor = self.world.executor(SLOTS, OnDisk)
        executor.checkpoints = {}
        strategy = self.world.at_rungs(self.trials, self.strategy)
        loop = self.world.loop(self.trials, executor=executor, strategy=strategy)
        self.alive[self.names] = Coordinator(self.names, dies_at, loop, loop.turns())

    def run(self, kills: int) -> None:
        """Kill so often, and let the study come to its end."""
        while self.ended < self.trials:
            while len(self.alive) < self.count:
                self.start()
            coordinator = self.random.choice(list(self.alive.values()))
            coordinator.dies_at = coordinator.dies_at if self.kills < kills else NEVER
            self.turn(coordinator)
            self.look()
        for coordinator in self.alive.values():  # or they would be as garbage is collected, perhaps in another test
            coordinator.turns.close()

    def turn(self, coordinator: Coordinator) -> None:
        self.current = coordinator
        try:
            next(coordinator.turns)
        except StopIteration:
            del self.alive[coordinator.name]
        except Killed:
            coordinator.loop._executor.close()  # its workers see that it is gone
            del self.alive[coordinator.name]
            self.kills += 1
        finally:
            self.current = None

    def look(self) -> None:
        """Note who is paused at which rung, how many trials have ended, and how many checkpoints lie on the disk."""
        with closing(sqlite3.connect(self.world.directory / "studies.db")) as connection:
            query = (
                "SELECT trial_id, json_extract(value_json, '$.rung') FROM trial_user_attributes WHERE key = 'paused'"
            )
            for trial, rung in connection.execute(query):
                rests = self.rests.setdefault(trial, [])
                if not rests or rests[-1] != rung:
                    rests.append(rung)
            ended = "SELECT COUNT(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED', 'FAIL')"
            (self.ended,) = connection.execute(ended).fetchone()
        with os.scandir(self.world.directory) as entries:  # after each turn: `glob` takes a third of the test
            checkpoints = sum(os.access(f"{entry.path}/{LAST}", os.F_OK) for entry in entries)
        self.most = max(self.most, checkpoints)

    def check(self) -> None:
        """Nothing is lost, nothing is done twice, and the disk is within its bound."""
        trials = self.world.trials()
        assert len(trials) == self.trials
        curves, promotion = Curves("maximize", EPOCHS), PROMOTIONS[self.strategy](RUNGS, self.trials)
        for trial in trials:
            values = trial.intermediate_values
            assert list(values) == list(range(1, len(values) + 1)), "an epoch is missing, or came twice"
            assert trial.state is (TrialState.COMPLETE if len(values) == EPOCHS else TrialState.PRUNED)
            assert trial.value == values[len(values)]
            rests = [rung for rung in self.rests.get(trial._trial_id, []) if rung is not None]
            assert rests == sorted(set(rests)), "a pause or a promotion was done twice"
            for epoch, value in values.items():
                curves.report(trial.number, epoch, value)
                promotion.on_report(curves, trial.number)
        left = [trial.number for trial in trials if trial.state is TrialState.PRUNED]
        assert promotion.choose(curves, left, can_begin=False, is_idle=True) == WAIT, "a promotion was lost"
        assert curves.any_complete
        record = StrategyRecord(self.strategy, one_in=tuple(promotion.one_in))
        late = self.count - 1  # coordinators that have yet to see what has become hopeless by another one's trial
        assert self.most <= most_checkpoints(record, self.trials, self.count * SLOTS) + late


# 200 kills in a search of as many trials as make `auto` pick narrow rungs
@pytest.mark.parametrize("coordinators", [1, 2])
@pytest.mark.parametrize(
    ("strategy", "kills", "trials"),
    [("rungs", 10, 12), ("narrow_rungs", 10, 12), pytest.param("narrow_rungs", 200, 280, marks=pytest.mark.slow)],
    ids=["rungs-10", "narrow-10", "narrow-200"],
)
def test_kills_cost_nothing_and_do_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coordinators: int, strategy: str, kills: int, trials: int
) -> None:
    world, seed = World.on_disk(tmp_path), kills + coordinators
    killing = Killing(world, strategy, coordinators, trials, seed, patch=monkeypatch)
    killing.run(kills)
    assert killing.kills == kills
    killing.check()
