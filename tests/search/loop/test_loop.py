"""The event loop in virtual time: totals, values, slots, interrupts and deadlines."""

from pathlib import Path
from typing import Any

import pytest
from hpo.search.executors.base import Event, Reported
from hpo.search.loop.goal import Outcome
from hpo.studies import attributes
from hpo.studies.tracking.events import Event as TrackedEvent
from hpo.studies.tracking.several import SeveralTrackers
from hpo.studies.tracking.tracker import NullTracker
from optuna.trial import TrialState

from .world import EPOCHS, World


def test_reaches_exactly_the_total(world: World) -> None:
    assert world.loop(7).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 7


def test_trials_is_the_total_not_more(world: World) -> None:
    world.loop(4).run()
    world.loop(6).run()
    world.loop(6).run()
    assert len(world.trials()) == 6


def test_the_value_is_the_best_epoch_and_every_epoch_is_reported(world: World) -> None:
    world.loop(1).run()
    (trial,) = world.trials()
    assert list(trial.intermediate_values) == list(range(1, EPOCHS + 1))
    assert trial.value == max(trial.intermediate_values.values())
    assert trial.user_attrs[attributes.BEST_EPOCH] == EPOCHS
    assert trial.user_attrs[attributes.STATUS] == "finished"


def test_slots_run_at_the_same_time(world: World) -> None:
    world.loop(8, slots=4).run()
    assert world.clock.now() == 8 / 4 * EPOCHS * 10


def test_pruned_trials_count_and_save_time(world: World) -> None:
    world.loop(40, pruner="median").run()
    states = world.states()
    assert len(states) == 40
    assert states.count(TrialState.PRUNED) > 5
    assert world.clock.now() < 40 / 2 * EPOCHS * 10
    pruned = next(t for t in world.trials() if t.state is TrialState.PRUNED)
    assert pruned.user_attrs[attributes.STATUS] == "stopped"


def test_the_same_seed_gives_the_same_search(tmp_path: Path) -> None:
    def params(seed: int) -> list[dict[str, Any]]:
        world = World(tmp_path, seed=seed)
        world.loop(15, slots=1).run()
        return [trial.params for trial in world.trials()]

    assert params(1) == params(1)
    assert params(1) != params(2)


def test_an_interrupted_search_proposes_what_it_would_have_proposed(tmp_path: Path) -> None:
    whole, halves = World(tmp_path), World(tmp_path)
    whole.loop(16, slots=1).run()
    halves.loop(5, slots=1).run()
    halves.loop(16, slots=1).run()
    assert [t.params for t in whole.trials()] == [t.params for t in halves.trials()]


def test_interrupt_pauses_what_runs_and_the_next_run_goes_on(world: World) -> None:
    executor = world.executor(slots=3)
    loop = world.loop(6, executor=executor)
    seen = 0
    original = executor.next_events

    def interrupting(timeout_s: float | None = None) -> list[Event]:
        nonlocal seen
        events = original(timeout_s)
        seen += sum(isinstance(event, Reported) for event in events)
        if seen >= 13:
            loop.interrupt()
        return events

    executor.next_events = interrupting
    assert loop.run() is Outcome.INTERRUPTED
    assert TrialState.RUNNING not in world.states()
    assert world.states().count(TrialState.WAITING) == 3
    spent = world.clock.now()
    assert world.loop(6, slots=3).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 6
    assert world.clock.now() - spent < 2 * EPOCHS * 10, "the paused trials must not begin anew"


def test_a_deadline_ends_the_run_and_keeps_the_trials(world: World) -> None:
    assert world.loop(10, deadline=250).run() is Outcome.TIMED_OUT
    assert world.clock.now() == pytest.approx(250, abs=10)
    assert TrialState.RUNNING not in world.states()
    assert world.loop(10).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 10


def test_what_a_trial_began_with_is_what_it_goes_on_with(world: World) -> None:
    book = world.book()
    begun = book.claim(100)
    book.release(begun.number)
    again = world.book().claim(100)
    assert again == begun


def test_a_tracker_that_raises_on_each_event_is_named_once_and_stops_nothing(world: World) -> None:
    class Raising(NullTracker):
        def tell(self, event: TrackedEvent) -> None:
            raise OSError(28, "No space left on device")

    warnings: list[str] = []
    loop = world.loop(4, tracker=SeveralTrackers({"theirs": Raising()}, warnings.append))
    assert loop.run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 4
    assert len(warnings) == 1
    assert warnings[0].startswith("tracker theirs: [Errno 28] No space left on device; ")
