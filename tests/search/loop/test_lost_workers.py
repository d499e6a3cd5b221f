"""Lost workers and full disks, which cost no trial."""

from dataclasses import dataclass

import pytest
from hpo.errors import TrainingError
from hpo.search.executors.base import Blocked, Ended, Event, Fault, Job, Lost
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Outcome
from hpo.search.loop.losses import BlockedError
from hpo.studies import attributes
from hpo.training.report import Status
from optuna.trial import TrialState

from .world import EPOCHS, World


def test_a_lost_worker_costs_no_trial_and_no_epoch(world: World) -> None:
    world.losses = {1: 6}
    world.loop(4, slots=1).run()
    assert world.states() == [TrialState.COMPLETE] * 4
    assert world.trials()[1].user_attrs[attributes.ATTEMPTS] == 1
    assert world.clock.now() == 4 * EPOCHS * 10 + 10  # the epoch that was lost is done again


def test_a_trial_that_keeps_losing_workers_is_given_up(world: World) -> None:
    class Cursed(SimulatedExecutor):
        def next_events(self, timeout_s: float | None = None) -> list[Event]:
            self._lost.clear()
            return super().next_events(timeout_s)

    world.losses = {2: 3}
    world.loop(5, executor=world.executor(kind=Cursed)).run()
    assert world.states().count(TrialState.FAIL) == 1
    failed = world.trials()[2]
    assert failed.state is TrialState.FAIL
    assert "lost 3 times" in failed.user_attrs[attributes.ERROR]
    assert len(world.trials()) == 5


def test_workers_that_are_lost_under_every_trial_cost_none(world: World) -> None:
    class Cursed(SimulatedExecutor):
        def next_events(self, timeout_s: float | None = None) -> list[Event]:
            self._lost.clear()
            return super().next_events(timeout_s)

    world.losses = dict.fromkeys(range(50), 2)
    with pytest.raises(TrainingError, match=r"3 trials in a row broke.*worker was lost 3 times"):
        world.loop(50, executor=world.executor(1, Cursed)).run()
    world.losses.clear()
    assert world.loop(4).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 4
    assert {trial.user_attrs.get(attributes.ATTEMPTS, 0) for trial in world.trials()} == {0}


def test_a_worker_that_dies_while_the_run_ends_is_not_started_again(world: World) -> None:
    @dataclass
    class Killed(SimulatedExecutor):
        """A worker that is asked to pause dies first."""

        begun: int = 0

        def submit(self, job: Job) -> None:
            self.begun += 1
            super().submit(job)

        def next_events(self, timeout_s: float | None = None) -> list[Event]:
            return [self.killed(event) for event in super().next_events(timeout_s)]

        def killed(self, event: Event) -> Event:
            paused = isinstance(event, Ended) and event.result.status is Status.PAUSED
            return Lost(event.number, event.generation, "killed by SIGTERM", Fault.TRIAL) if paused else event

    executor = world.executor(2, Killed)
    assert world.loop(5, executor=executor, deadline=25).run() is Outcome.TIMED_OUT
    assert executor.begun == 2
    assert world.states() == [TrialState.WAITING] * 2
    assert [trial.user_attrs.get(attributes.ATTEMPTS, 0) for trial in world.trials()] == [0, 0]


def test_a_full_disk_ends_the_run_and_loses_nothing(world: World) -> None:
    @dataclass
    class Full(SimulatedExecutor):
        def next_events(self, timeout_s: float | None = None) -> list[Event]:
            words = "No space left on device: last.ckpt"
            events = super().next_events(timeout_s)
            return [Blocked(e.number, e.generation, words) if e.number > 1 else e for e in events]

    with pytest.raises(BlockedError, match=r"No space left on device: last\.ckpt") as told:
        world.loop(9, executor=world.executor(2, Full)).run()
    assert told.value.exit_code == 1
    assert len(str(told.value).splitlines()) <= 3
    assert world.states().count(TrialState.FAIL) == 0
    assert TrialState.RUNNING not in world.states()
    assert world.loop(9).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 9
