"""Trials that break one after another: they wait, and end the search where they are too many."""

from collections.abc import Container
from dataclasses import dataclass

import pytest
from hpo.errors import TrainingError
from hpo.search.executors.base import Crashed, Event
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.brake import LATER
from hpo.search.loop.goal import Outcome
from optuna.trial import TrialState

from .world import World


@dataclass
class Breaking(SimulatedExecutor):
    """Every trial but those in `sound` raises."""

    sound: Container[int] = ()

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        return [self.broken(event) for event in super().next_events(timeout_s)]

    def broken(self, event: Event) -> Event:
        if event.number in self.sound:
            return event
        del self._runs[event.number]
        self._due = [due for due in self._due if due[1] != event.number]
        return Crashed(event.number, event.generation, "ValueError: boom", "Traceback ...", user_error=False)


def test_first_trials_that_all_break_end_the_search_and_wait(world: World) -> None:
    with pytest.raises(TrainingError, match=r"3 trials in a row broke.*boom"):
        world.loop(50, executor=world.executor(1, Breaking)).run()
    assert world.states() == [TrialState.WAITING] * 3
    assert (world.directory / "0" / "error.txt").read_text() == "Traceback ..."
    assert world.loop(5).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 5


@pytest.mark.parametrize("slots", [1, 3])
def test_so_do_trials_that_all_break_after_sound_ones(world: World, slots: int) -> None:
    with pytest.raises(TrainingError, match=rf"{LATER} trials in a row broke.*boom"):
        world.loop(50, executor=world.executor(slots, Breaking, sound=range(slots)), slots=slots).run()
    states = world.states()
    assert states.count(TrialState.FAIL) == 0
    assert states.count(TrialState.COMPLETE) == slots
    assert world.loop(50).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 50


def test_trials_that_break_in_every_run_do_not_end_every_run(world: World) -> None:
    broken = world.executor(1, Breaking, sound=range(3, 50))
    with pytest.raises(TrainingError):
        world.loop(6, executor=broken).run()
    assert world.loop(6, executor=world.executor(1, Breaking, sound=range(3, 50))).run() is Outcome.DONE
    assert world.states() == [TrialState.FAIL] * 3 + [TrialState.COMPLETE] * 3


def test_a_study_in_which_all_break_again_and_again_never_fails_a_trial(world: World) -> None:
    for _ in range(6):
        with pytest.raises(TrainingError, match="trials in a row broke"):
            world.loop(7, executor=world.executor(1, Breaking)).run()
    assert world.states() == [TrialState.WAITING] * 7


def test_what_breaks_on_its_own_fails(world: World) -> None:
    assert world.loop(2, executor=world.executor(1, Breaking)).run() is Outcome.DONE
    assert world.states() == [TrialState.FAIL] * 2


def test_a_traceback_that_cannot_be_kept_ends_nothing(world: World) -> None:
    (world.directory / "1").write_text("no folder can be made here")
    assert world.loop(4, executor=world.executor(1, Breaking, sound=(0, 2, 3))).run() is Outcome.DONE
    assert world.states().count(TrialState.FAIL) == 1


def test_a_few_broken_trials_are_kept_as_failures(world: World) -> None:
    world.loop(6, executor=world.executor(kind=Breaking, sound=(0, 2, 4, 5))).run()
    states = world.states()
    assert states.count(TrialState.FAIL) == 2
    assert states.count(TrialState.COMPLETE) == 4
