"""What ends a search besides the number of trials: epochs, a target, convergence; and what ends a trial."""

from pathlib import Path

import pytest
from hpo.search.loop.convergence import expected_best_of_half, is_converged
from hpo.search.loop.goal import Outcome
from hpo.studies import attributes
from optuna.trial import TrialState

from .world import EPOCHS, Screen, World


def epochs(world: World) -> int:
    return sum(len(trial.intermediate_values) for trial in world.trials())


def test_the_epochs_of_all_trials_are_a_budget_and_a_larger_one_goes_on(world: World) -> None:
    assert world.loop(None, epochs=25).run() is Outcome.OUT_OF_EPOCHS
    assert epochs(world) in (25, 26), "two workers report at once"
    assert TrialState.RUNNING not in world.states()
    assert world.states().count(TrialState.WAITING) == 2
    assert world.loop(None, epochs=25).run() is Outcome.OUT_OF_EPOCHS, "at once"
    assert epochs(world) in (25, 26)
    assert world.loop(None, epochs=60).run() is Outcome.OUT_OF_EPOCHS
    assert epochs(world) == 60
    assert world.states() == [TrialState.COMPLETE] * 6, "what was paused went on, and the last epoch is an end"


def test_epochs_of_another_coordinator_count(world: World) -> None:
    world.loop(2).run()
    assert world.loop(10, epochs=2 * EPOCHS).run() is Outcome.OUT_OF_EPOCHS
    assert len(world.trials()) == 2


@pytest.mark.parametrize(("direction", "until", "met"), [("maximize", 0.9, max), ("minimize", 0.5, min)])
def test_a_target_ends_the_search_when_a_complete_trial_reaches_it(
    tmp_path: Path, direction: str, until: float, met: type[max]
) -> None:
    world = World(tmp_path, direction=direction)
    assert world.loop(200, sampler="random", until=until).run() is Outcome.REACHED
    values = [trial.value for trial in world.trials() if trial.state is TrialState.COMPLETE]
    assert met(values) == met(until, met(values))
    assert len(values) < 200
    assert world.loop(200, until=until).run() is Outcome.REACHED, "at once"
    assert len([t for t in world.trials() if t.state is TrialState.COMPLETE]) == len(values)


def test_a_search_that_does_not_improve_any_more_has_converged(world: World) -> None:
    goal = {"until_converged": True, "images": 20}  # so few that little can be told apart
    assert world.loop(None, sampler="random", **goal).run() is Outcome.CONVERGED
    begun = len(world.trials())
    assert 40 <= begun < 100
    assert world.loop(begun + 2, sampler="random").run() is Outcome.DONE


def test_a_trial_that_has_trained_for_too_long_is_pruned_with_what_it_reached(world: World) -> None:
    screen = Screen()
    assert world.loop(3, trial_timeout_s=45.0, progress=screen).run() is Outcome.DONE
    for trial in world.trials():
        assert trial.state is TrialState.PRUNED
        assert list(trial.intermediate_values) == [1, 2, 3, 4]
        assert trial.value == trial.intermediate_values[4]
        assert trial.user_attrs[attributes.STATUS] == "timed_out"
        assert trial.constraints == {"usable": 1.0}  # a sampler learns to avoid what takes too long
    assert screen.ended[0][0] == "PRUNED"


def test_the_time_in_which_a_trial_is_paused_does_not_count(world: World) -> None:
    assert world.loop(1, slots=1, deadline=35, trial_timeout_s=45.0).run() is Outcome.TIMED_OUT
    world.clock.sleep(1000)
    assert world.loop(1, trial_timeout_s=45.0).run() is Outcome.DONE
    assert list(world.trials()[0].intermediate_values) == [1, 2, 3, 4]


def test_a_trial_whose_last_epoch_is_in_time_is_complete(world: World) -> None:
    world.loop(1, trial_timeout_s=10.0 * EPOCHS).run()
    assert world.states() == [TrialState.COMPLETE]


def test_the_expected_best_of_a_half_is_that_of_all_halves() -> None:
    # of four trials a half has two: the best is in three of six halves, the second is the best of two, the third of one
    assert expected_best_of_half([4.0, 3.0, 2.0, 1.0], 4) == pytest.approx((3 * 4 + 2 * 3 + 2) / 6)
    assert expected_best_of_half([4.0, 3.0], 4) == pytest.approx((3 * 4 + 3 * 3) / 6), "the last counts for the rest"


def test_convergence_needs_trials_a_flat_second_half_and_no_lonely_best() -> None:
    flat = {number: float(min(number, 10)) for number in range(40)}
    assert is_converged(flat, 40)
    assert not is_converged(flat, 39)
    assert not is_converged({n: s for n, s in flat.items() if n < 7}, 40), "too few are complete"
    assert not is_converged(flat | {30: 11.0}, 40), "the second half improved"
    assert not is_converged(flat | {5: 20.0}, 40), "a best that was luck"
    assert not is_converged({}, 40)
    assert is_converged(flat | {20: float("nan")}, 40)


def test_what_cannot_be_measured_is_no_improvement() -> None:
    shares = {number: 0.8 + 0.0005 * number for number in range(40)}
    assert not is_converged(shares, 40)
    assert is_converged(shares, 40, images=100)
    perfect = {number: 0.992 + 0.0002 * number for number in range(41)}
    assert not is_converged(perfect, 41)
    assert is_converged(perfect, 41, images=100), "all of 100 right is as unsure as 99 of them"


def test_epochs_that_are_used_up_leave_trials_at_their_rungs_and_more_go_on(world: World) -> None:
    plan = world.at_rungs(8)
    assert world.loop(8, strategy=plan, epochs=8).run() is Outcome.OUT_OF_EPOCHS
    assert epochs(world) in (8, 9)
    assert world.states().count(TrialState.RUNNING) >= 5, "paused at the first rung"
    assert world.loop(8, strategy=world.at_rungs(8), epochs=100).run() is Outcome.DONE
    assert TrialState.COMPLETE in world.states()
    assert TrialState.RUNNING not in world.states()


def test_rungs_without_a_number_of_trials_go_on_until_the_epochs_are_used_up(world: World) -> None:
    assert world.loop(None, strategy=world.at_rungs(None), epochs=60).run() is Outcome.OUT_OF_EPOCHS
    assert epochs(world) in (60, 61)
    assert TrialState.COMPLETE in world.states()
