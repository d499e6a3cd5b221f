"""One to four coordinators on one store, whose workers do not obey, in orders that hypothesis thinks of.

Whatever happens: the study ends with as many trials as were asked for, every epoch of a complete one is recorded once,
nobody writes to a trial that has ended or is somebody else's, what is decided at a rung is done once, and Ctrl-C ends a
search in bounded time. It holds where trials are stopped, and where they pause at rungs and are promoted.
"""

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hpo.search.executors.base import Fault
from hpo.search.loop.brake import HopelessError
from hpo.search.loop.loop import Loop
from hpo.search.loop.losses import BlockedError
from hpo.search.loop.watchdog import PAUSE_WITHIN_S
from hpo.search.strategy.strategies.rungs import rung_epochs
from hpo.studies import attributes
from hpo.studies.book import owner
from hpo.studies.book.book import HEARTBEAT_S
from hpo.studies.book.terms import Decided, FirstCome, Row, Stop
from hpo.studies.store.storage import open_storage
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from optuna.trial import FrozenTrial, TrialState

from ..executors.chaos import ChaosExecutor
from .world import EPOCHS, World

TRIALS = 4
RUNGS = rung_epochs(EPOCHS)
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
WHICH = st.integers(0, 99)


@dataclass
class Coordinator:
    """One that is driven turn by turn; `name` stands for its process."""

    name: int
    executor: ChaosExecutor
    loop: Loop
    turns: Iterator[None]


class StopOddOnes(FirstCome):
    """Stops trials with odd numbers after their third epoch."""

    def decide(self, rows: Sequence[Row]) -> dict[int, Decided]:
        return {row.number: Stop(row.epoch) for row in rows if row.number % 2 and row.epoch == 3}


class Coordinators(RuleBasedStateMachine):
    """What may happen to them, and what must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        self.world = World(path, open_storage(f"sqlite:///{path}/studies.db"))
        self.alive: dict[int, Coordinator] = {}
        self.killed: list[Coordinator] = []
        self.known: set[int] = set()  # by name: those whose process is there
        self.ended: dict[int, FrozenTrial] = {}
        self.names = 0
        self.me = owner.Owner.me()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(owner.Owner, "alive", lambda one: one.started in self.known)
        self.start(2)

    @precondition(lambda self: len(self.alive) < 4)
    @rule(slots=st.integers(1, 2))
    def start(self, slots: int) -> None:
        self.names += 1
        with self.process(self.names):
            executor = self.world.executor(slots, ChaosExecutor)
            loop = self.search(executor)
            self.alive[self.names] = Coordinator(self.names, executor, loop, loop.turns())
        self.known.add(self.names)
        self.turn(self.alive[self.names])

    def search(self, executor: ChaosExecutor) -> Loop:
        return self.world.loop(TRIALS, executor=executor, plan=StopOddOnes())

    @precondition(lambda self: self.alive)
    @rule(which=WHICH, turns=st.integers(1, EPOCHS), seconds=st.sampled_from([0.5, 5.0, HEARTBEAT_S + 1]))
    def go_on(self, which: int, turns: int, seconds: float) -> None:
        """Everything works for a while."""
        coordinator = self.pick(which)
        for _ in range(turns):
            if coordinator.name in self.alive:
                coordinator.executor.live()
                self.world.clock.sleep(seconds)
                self.turn(coordinator)

    @precondition(lambda self: self.alive)
    @rule(which=WHICH, worker=WHICH, epochs=st.integers(1, EPOCHS))
    def train_unheard(self, which: int, worker: int, epochs: int) -> None:
        executor = self.pick(which).executor
        for number in self.some_worker(executor, worker):
            for _ in range(epochs):
                executor.work(number)

    @precondition(lambda self: self.alive)
    @rule(which=WHICH, worker=WHICH)
    def hear(self, which: int, worker: int) -> None:
        coordinator = self.pick(which)
        for number in self.some_worker(coordinator.executor, worker):
            coordinator.executor.hear(number)
        self.turn(coordinator)

    @precondition(lambda self: self.alive)
    @rule(which=WHICH, worker=WHICH)
    def hang(self, which: int, worker: int) -> None:
        executor = self.pick(which).executor
        for number in self.some_worker(executor, worker):
            executor.workers[number].hung = True

    @precondition(lambda self: self.alive)
    @rule(which=WHICH, worker=WHICH, fault=st.sampled_from(Fault), unheard=st.booleans())
    def lose(self, which: int, worker: int, fault: Fault, unheard: bool) -> None:
        coordinator = self.pick(which)
        for number in self.some_worker(coordinator.executor, worker):
            coordinator.executor.lose(number, fault, unheard)
        self.turn(coordinator)

    @precondition(lambda self: self.alive)
    @rule(which=WHICH, event=WHICH)
    def say_again(self, which: int, event: int) -> None:
        coordinator = self.pick(which)
        coordinator.executor.repeat(event)
        self.turn(coordinator)

    @precondition(lambda self: self.alive)
    @rule(which=WHICH)
    def kill(self, which: int) -> None:
        """SIGKILL: nothing of it runs any more, its workers neither."""
        coordinator = self.pick(which)
        self.known.discard(coordinator.name)
        self.killed.append(self.alive.pop(coordinator.name))  # kept: at its end its turns would tidy up

    @precondition(lambda self: len(self.alive) > 1)
    @rule(which=WHICH, by=WHICH)
    def take_for_dead(self, which: int, by: int) -> None:
        """One that was away for too long: another takes its trials over."""
        suspected, other = self.pick(which), self.pick(by)
        if suspected is not other:
            self.known.discard(suspected.name)
            self.world.clock.sleep(HEARTBEAT_S + 1)
            self.turn(other)
            self.known.add(suspected.name)

    @precondition(lambda self: self.alive)
    @rule(which=WHICH)
    def interrupt(self, which: int) -> None:
        """Ctrl-C: it ends in bounded time, whatever its workers do."""
        coordinator = self.pick(which)
        coordinator.loop.interrupt()
        until = self.world.clock.now() + PAUSE_WITHIN_S + 3
        while coordinator.name in self.alive:
            assert self.world.clock.now() < until, "a search did not end in time"
            self.world.clock.sleep(1)
            self.turn(coordinator)

    @invariant()
    def keeps_its_promises(self) -> None:
        trials = self.world.trials()
        assert len(trials) <= TRIALS
        for trial in trials:
            if trial.number in self.ended:
                before = self.ended[trial.number]
                assert (trial.state, trial.values, trial.intermediate_values) == (
                    before.state, before.values, before.intermediate_values,
                ), "a trial that had ended was written to"  # fmt: skip
            elif trial.state in ENDED:
                self.ended[trial.number] = trial
                self.check_end(trial)
            else:
                self.check_open(trial)

    def teardown(self) -> None:
        """Those that are there are interrupted, and a sound one brings the study to its end."""
        try:
            while self.alive:
                self.interrupt(0)
            self.start(2)
            for _ in range(10 * TRIALS * EPOCHS):
                if not self.alive:
                    break
                self.go_on(0, 1, 0.5)
            self.keeps_its_promises()
            assert [trial.state in ENDED for trial in self.world.trials()] == [True] * TRIALS
        finally:
            self.patch.undo()
            self.world.storage.engine.dispose()
            self.folder.cleanup()

    def check_open(self, trial: FrozenTrial) -> None:
        """What holds of one that has not ended; nothing more here."""

    def check_end(self, trial: FrozenTrial) -> None:
        if trial.state is TrialState.COMPLETE:
            assert sorted(trial.intermediate_values) == list(range(1, EPOCHS + 1)), "an epoch is missing"
            assert trial.value == max(trial.intermediate_values.values())

    def turn(self, coordinator: Coordinator) -> None:
        with self.process(coordinator.name):
            try:
                next(coordinator.turns)
                return
            except (StopIteration, HopelessError, BlockedError):
                del self.alive[coordinator.name]
        self.known.discard(coordinator.name)

    def pick(self, which: int) -> Coordinator:
        return list(self.alive.values())[which % len(self.alive)]

    def some_worker(self, executor: ChaosExecutor, which: int) -> list[int]:
        numbers = list(executor.workers)
        return [numbers[which % len(numbers)]] if numbers else []

    @contextmanager
    def process(self, name: int) -> Iterator[None]:
        """Within the block, this is the process of a coordinator."""
        me = dataclasses.replace(self.me, started=float(name))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner.Owner, "me", classmethod(lambda cls: me))
            yield


class CoordinatorsAtRungs(Coordinators):
    """The same, at rungs after the first and the fourth epoch."""

    def search(self, executor: ChaosExecutor) -> Loop:
        return self.world.loop(TRIALS, executor=executor, strategy=self.world.at_rungs(TRIALS))

    def check_open(self, trial: FrozenTrial) -> None:
        """It pauses as it was decided."""
        notes = trial.user_attrs
        if trial.state is TrialState.RUNNING and notes.get(attributes.PAUSED):
            rung, epoch = notes[attributes.PAUSED]["rung"], notes[attributes.DECISION]["pause"]
            assert notes[attributes.OWNER] is None
            assert RUNGS[rung] == epoch
            assert epoch <= max(trial.intermediate_values)
        elif trial.state is TrialState.WAITING:
            assert not notes.get(attributes.DECISION), "a trial waits that was to pause"

    def check_end(self, trial: FrozenTrial) -> None:
        super().check_end(trial)
        epochs = sorted(trial.intermediate_values)
        assert epochs == list(range(1, len(epochs) + 1)), "an epoch is missing"
        assert not trial.user_attrs.get(attributes.PAUSED)

    def teardown(self) -> None:
        super().teardown()
        if not self.failed:
            assert any(trial.state is TrialState.COMPLETE for trial in self.ended.values()), "no trial came to its end"

    @property
    def failed(self) -> bool:
        return any(trial.state is TrialState.FAIL for trial in self.ended.values())


def run(examples: int, steps: int) -> Any:
    quiet = list(HealthCheck)  # a store for each example takes its time
    return settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True, suppress_health_check=quiet
    )


# 150 examples of 60 steps take a minute and a half of CPU: for changes of the loop
@pytest.mark.parametrize("size", [(5, 20), pytest.param((30, 40), marks=pytest.mark.slow)], ids=["short", "long"])
@pytest.mark.parametrize("machine", [Coordinators, CoordinatorsAtRungs])
def test_whatever_workers_and_coordinators_do_the_study_comes_to_its_end(
    machine: type[Coordinators], size: tuple[int, int]
) -> None:
    run_state_machine_as_test(machine, settings=run(*size))
