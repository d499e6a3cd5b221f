"""Coordinators that die or share a study: recovery takes over the trials of the dead alone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import optuna
import pytest
from hpo.search.configuration.claim import MAX_ORPHANED
from hpo.search.executors.base import Event, Reported
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Outcome
from hpo.studies.book.owner import Owner
from hpo.studies.store.storage import open_storage
from hpo.studies.waiting import GRACE_S
from optuna.trial import TrialState

from .world import EPOCHS, World, search


class Killed(BaseException):
    """SIGKILL, as far as a process can play it."""


@dataclass
class Dying(SimulatedExecutor):
    """Kills the coordinator at its n-th event: nothing that the loop does afterwards may matter."""

    events_left: int = 10**9

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        self.events_left -= 1
        if self.events_left < 0:
            raise Killed
        return super().next_events(timeout_s)


@pytest.fixture
def dead_owner(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes every owner so far a dead one, by moving this process to another boot."""

    def die() -> None:
        from hpo.studies.book import owner

        me = owner.Owner.me()
        monkeypatch.setattr(owner.Owner, "me", classmethod(lambda cls: owner.Owner(me.host, me.boot, me.pid, 1e9)))
        monkeypatch.setattr(owner.Owner, "alive", lambda self: self.started == 1e9)

    return die


@pytest.mark.parametrize("events", range(0, 70, 5))
def test_a_killed_coordinator_loses_nothing(world: World, dead_owner: Callable[[], None], events: int) -> None:
    loop = world.loop(4, executor=world.executor(kind=Dying, events_left=events), slots=2)
    loop._book.abandon = lambda: None  # type: ignore[method-assign]  # the dead do not tidy up
    try:
        loop.run()
    except Killed:
        dead_owner()
    assert world.loop(4).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 4
    for trial in world.trials():
        assert list(trial.intermediate_values) == list(range(1, EPOCHS + 1))


def test_a_coordinator_killed_between_ask_and_claim_leaves_a_trial_that_is_run(world: World) -> None:
    world.book()
    optuna.load_study(study_name="s", storage=world.storage).ask()
    assert world.book().recover() == []  # its coordinator may be about to
    world.loop(3).run()
    assert world.clock.now() > GRACE_S
    assert world.states() == [TrialState.COMPLETE] * 3


def test_epochs_that_died_in_a_pipe_are_recorded_as_their_trial_goes_on(
    world: World, dead_owner: Callable[[], None]
) -> None:
    """Not only at its end: the pruner decides on the whole curve."""
    loop = world.loop(1, executor=world.executor(1, Dying, events_left=40))
    loop._book.abandon = lambda: None  # type: ignore[method-assign]
    with pytest.raises(Killed):
        loop.run()
    dead_owner()
    world.checkpoints[0] = 7
    assert world.loop(1, executor=world.executor(1), deadline=world.clock.now() + 1).run() is Outcome.TIMED_OUT
    assert sorted(world.trials()[0].intermediate_values) == list(range(1, 8))


@dataclass(eq=False)
class Poisoned(SimulatedExecutor):
    """Trial 1 kills its coordinator in its third epoch, as one does that takes all of a container's memory."""

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        events = super().next_events(timeout_s)
        if any(isinstance(event, Reported) and (event.number, event.report.epoch) == (1, 3) for event in events):
            self.checkpoints[1] = 2
            raise Killed
        return events


def test_a_trial_that_takes_its_coordinator_down_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Owner, "alive", lambda self: False)
    for _ in range(MAX_ORPHANED):
        loop = world.loop(3, executor=world.executor(1, Poisoned))
        loop._book.abandon = lambda: None  # type: ignore[method-assign]
        with pytest.raises(Killed):
            loop.run()
    screen = search(world, 3, world.executor(1, Poisoned))
    assert world.states() == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE]
    assert screen.ended[1] == ("FAIL", "its coordinator died 3 times before another epoch of it had ended")


def test_recovery_leaves_the_living_alone(world: World) -> None:
    living = world.book()
    claim = living.claim(100)
    assert world.book().recover() == []
    assert world.trials()[claim.number].state is TrialState.RUNNING


@pytest.mark.parametrize("url", ["sqlite:///{}/studies.db"])
def test_two_coordinators_share_a_study(tmp_path: Path, url: str) -> None:
    world = World(tmp_path, storage=open_storage(url.format(tmp_path)))
    first, second = world.book(), world.book()
    numbers = [book.claim(100).number for book in (first, second, first, second)]
    assert sorted(numbers) == [0, 1, 2, 3]
    assert first.recover() == second.recover() == []
