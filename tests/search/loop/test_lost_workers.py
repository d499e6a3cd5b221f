"""Lost workers and full disks, which cost no trial."""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

import pytest
from hpo.errors import TrainingError
from hpo.search.executors.base import Blocked, Ended, Event, Fault, Job, Lost, Reported
from hpo.search.executors.clock import VirtualClock
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Outcome
from hpo.search.loop.losses import BlockedError
from hpo.search.loop.watchdog import PAUSE_WITHIN_S
from hpo.studies import attributes
from hpo.training.report import Signal, Status, TrainResult
from optuna.trial import TrialState

from .world import EPOCHS, World, search


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


@dataclass(eq=False)
class Losing(SimulatedExecutor):
    """Loses the worker of each trial in `cursed` at its next report, by whose `fault`."""

    cursed: Container[int] = ()
    fault: Fault = Fault.MACHINE
    reason: str = "node gone"

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        return [self.lost(event) for event in super().next_events(timeout_s)]

    def lost(self, event: Event) -> Event:
        if event.number not in self.cursed or not isinstance(event, Reported):
            return event
        self.checkpoints[event.number] -= 1
        del self._runs[event.number]
        self._due = [due for due in self._due if due[1] != event.number]
        return Lost(event.number, event.generation, self.reason, self.fault)


def test_losses_by_the_machine_end_the_run_with_their_cause_and_count_against_nothing(world: World) -> None:
    with pytest.raises(BlockedError, match=r"5 workers in a row were lost before an epoch, the last: node gone"):
        world.loop(9, executor=world.executor(2, Losing, cursed=range(2, 9))).run()
    assert world.states() == [TrialState.COMPLETE] * 2 + [TrialState.WAITING] * 2
    assert {trial.user_attrs.get(attributes.ATTEMPTS, 0) for trial in world.trials()} == {0}
    assert world.loop(9).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 9


def test_a_trial_that_is_killed_for_memory_twice_is_too_large_and_samplers_learn_it(world: World) -> None:
    executor = world.executor(1, Losing, cursed=(1,), fault=Fault.MEMORY, reason="killed by SIGKILL")
    screen = search(world, 4, executor)
    assert world.states() == [TrialState.COMPLETE, TrialState.PRUNED] + [TrialState.COMPLETE] * 2
    large = world.trials()[1]
    assert large.user_attrs[attributes.STATUS] == "out_of_memory"
    assert large.constraints == {"usable": 1.0}
    assert screen.ended[1] == ("PRUNED", "its worker was killed 2 times: too large for the memory of this machine")


@dataclass(eq=False)
class Hanging(SimulatedExecutor):
    """The trials in `hangs` say nothing after their second epoch, and obey nothing: after the grace they are killed."""

    hangs: Container[int] = ()
    wishes: dict[int, float] = field(default_factory=dict)

    def signal(self, number: int, signal: Signal, within_s: float) -> None:
        if number in self.hangs and self.checkpoints.get(number) == 2:
            self.wishes[number] = self.clock.now() + within_s
        else:
            super().signal(number, signal, within_s)

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        self._due = [due for due in self._due if due[1] not in self.hangs or self.checkpoints.get(due[1]) != 2]
        events = super().next_events(timeout_s)
        if not events and not self._due and self._runs and timeout_s is not None:
            self.clock.sleep(timeout_s)
        killed = [number for number, until in self.wishes.items() if until <= self.clock.now()]
        return [*events, *map(self.kill, killed)]

    def kill(self, number: int) -> Event:
        del self.wishes[number]
        return Lost(number, self._runs.pop(number).job.generation, "did not answer", Fault.MACHINE)


@pytest.mark.parametrize("deadline", [True, False])
def test_a_worker_that_hangs_keeps_no_search_past_its_end(world: World, deadline: bool) -> None:
    executor = world.executor(2, Hanging, hangs=(0,))
    loop = world.loop(5, executor=executor, deadline=30.0 if deadline else float("inf"))
    if not deadline:
        executor.clock = Alarm(30.0, loop.interrupt)
        loop._clock = executor.clock
    assert loop.run() is (Outcome.TIMED_OUT if deadline else Outcome.INTERRUPTED)
    assert executor.clock.now() == pytest.approx(30.0 + PAUSE_WITHIN_S, abs=11)
    assert world.states() == [TrialState.WAITING] * 2


@dataclass
class Alarm(VirtualClock):
    """Calls `ring` at a time."""

    at: float = 0.0
    ring: Callable[[], None] = lambda: None

    def __init__(self, at: float, ring: Callable[[], None]) -> None:
        self.at, self.ring, self.time = at, ring, 0.0

    def now(self) -> float:
        if self.time >= self.at:
            self.ring()
        return self.time


def test_a_trial_that_hangs_is_found_and_goes_on_and_is_blamed_the_second_time(world: World) -> None:
    world.checkpoints[0] = 0
    executor = world.executor(1, Hanging, hangs=(0,))
    screen = search(world, 3, executor)
    failed, *sound = world.trials()
    assert failed.state is TrialState.FAIL
    assert (failed.user_attrs[attributes.SILENCES], failed.user_attrs[attributes.ATTEMPTS]) == (4, 3)
    assert [trial.state for trial in sound] == [TrialState.COMPLETE] * 2
    assert "trial 0: its worker has said nothing for far longer than usual; it is killed" in screen.notes


def test_an_interrupt_while_a_trial_is_claimed_pauses_that_one_as_well(world: World) -> None:
    loop = world.loop(5)
    claim = loop._book.claim

    def interrupted(*args: Any) -> object:
        claimed = claim(*args)
        loop.interrupt()
        return claimed

    loop._book.claim = interrupted  # type: ignore[method-assign, assignment]
    assert loop.run() is Outcome.INTERRUPTED
    assert world.states() == [TrialState.WAITING]


def test_workers_are_killed_before_their_trials_are_released(world: World) -> None:
    """Else another coordinator takes the trial while the worker here still writes into its folder."""

    @dataclass(eq=False)
    class Closing(SimulatedExecutor):
        states: list[list[TrialState]] = field(default_factory=list)

        def next_events(self, timeout_s: float | None = None) -> list[Event]:
            if self.clock.now() >= 20:
                raise KeyboardInterrupt
            return super().next_events(timeout_s)

        def close(self) -> None:
            self.states.append(world.states())
            super().close()

    executor = world.executor(2, Closing)
    with pytest.raises(KeyboardInterrupt):
        world.loop(5, executor=executor).run()
    assert executor.states == [[TrialState.RUNNING] * 2]
    assert world.states() == [TrialState.WAITING] * 2


def test_a_trial_that_was_crowded_out_is_tried_again_alone(world: World) -> None:
    jobs: list[tuple[int, bool]] = []

    @dataclass
    class Crowded(SimulatedExecutor):
        """Trial 1 has room for itself alone."""

        def submit(self, job: Job) -> None:
            jobs.append((job.number, job.alone))
            super().submit(job)

        def next_events(self, timeout_s: float | None = None) -> list[Event]:
            return [self.crowded(event) for event in super().next_events(timeout_s)]

        def crowded(self, event: Event) -> Event:
            if not isinstance(event, Ended) or event.number != 1 or (1, True) in jobs:
                return event
            return Ended(1, event.generation, TrainResult(Status.CROWDED, None, (), message="out of memory"))

    screen = search(world, 4, world.executor(2, Crowded))
    assert [alone for number, alone in jobs if number == 1] == [False, True]
    assert not any(alone for number, alone in jobs if number != 1)
    assert world.states() == [TrialState.COMPLETE] * 4
    assert screen.notes == ["trial 1: out of memory; it is tried again, alone on a card"]


def test_a_trial_that_begins_anew_is_told(world: World) -> None:
    world.loop(1, deadline=25).run()
    world.checkpoints.clear()
    assert search(world, 2).notes == [
        "trial 0: its checkpoint could not be used, so it began anew; the log of its worker says why"
    ]
