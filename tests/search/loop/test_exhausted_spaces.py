"""A finite space: each configuration is trained once, by however many coordinators, and then the search ends."""

from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from hpo.search.loop.goal import Outcome
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.search.strategy.strategy import Strategy, build_strategy
from hpo.spaces.parameter import Choice, Float
from hpo.spaces.space import Fixed, SearchSpace
from optuna.trial import TrialState

from .world import EPOCHS, Screen, World

BATCH, NESTEROV = "data.batch_size", "optimizer.nesterov"
SPACE = SearchSpace(
    "finite",
    (Choice(BATCH, (32, 64, 128)), Choice(NESTEROV, (True, False))),
    (
        Fixed("optimizer.name", "sgd"), Fixed("optimizer.lr", 0.1), Fixed("budget.epochs", EPOCHS),
        Fixed("data.source", "digits"),
    ),
)  # fmt: skip


def tried(world: World) -> list[tuple[int, bool]]:
    return [(trial.params[BATCH], trial.params[NESTEROV]) for trial in world.trials()]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_configuration_is_trained_once_and_the_search_ends_in_words(world: World, sampler: str) -> None:
    screen = Screen()
    loop = world.loop(30, slots=4, sampler=sampler, space=SPACE, progress=screen)
    assert loop.run() is Outcome.EXHAUSTED
    assert world.states() == [TrialState.COMPLETE] * 6
    assert len(set(tried(world))) == 6
    assert screen.notes == ["the space is exhausted: 6 configurations, each was tried"]


def test_a_grid_over_a_space_without_an_end_says_that_it_is_the_grid(world: World) -> None:
    learning_rate = Float("optimizer.lr", 0.01, 1.0, log=True)
    fixed = tuple(value for value in SPACE.values if value.key != learning_rate.key)
    space = replace(SPACE, parameters=(SPACE.parameters[0], learning_rate), values=fixed)
    screen = Screen()
    assert world.loop(30, sampler="grid:3", space=space, progress=screen).run() is Outcome.EXHAUSTED
    assert screen.notes == ["the grid is exhausted: 9 configurations, each was tried"]


def test_a_total_that_is_the_size_of_the_space_is_reached(world: World) -> None:
    assert world.loop(6, slots=4, space=SPACE).run() is Outcome.DONE
    assert len(set(tried(world))) == 6
    assert world.loop(7, space=SPACE).run() is Outcome.EXHAUSTED
    assert len(world.trials()) == 6


def test_what_somebody_enqueues_is_trained_once_more(tmp_path: Path) -> None:
    world = World.on_disk(tmp_path)
    world.loop(10, space=SPACE).run()
    study = optuna.load_study(study_name="s", storage=world.storage)
    study.enqueue_trial({BATCH: 64, NESTEROV: True})
    study.enqueue_trial({})
    screen = Screen()
    assert world.loop(10, space=SPACE, progress=screen).run() is Outcome.EXHAUSTED
    assert world.states() == [TrialState.COMPLETE] * 7 + [TrialState.FAIL]
    assert world.trials()[6].params == {BATCH: 64, NESTEROV: True}
    assert screen.ended[7] == ("FAIL", "each of the 6 configurations of the space was tried")


def test_after_a_change_of_what_is_fixed_they_are_other_configurations(tmp_path: Path) -> None:
    world = World.on_disk(tmp_path)
    world.loop(10, space=SPACE).run()
    fixed = [Fixed("optimizer.lr", 0.2) if value.key == "optimizer.lr" else value for value in SPACE.values]
    changed = replace(SPACE, values=tuple(fixed))
    assert world.loop(30, space=changed).run() is Outcome.EXHAUSTED
    assert len(tried(world)) == 12
    assert len(set(tried(world))) == 6


def test_two_coordinators_share_the_configurations(tmp_path: Path) -> None:
    world = World.on_disk(tmp_path)
    one, other = (world.book(space=SPACE) for _ in range(2))
    claims = [book.claim(30) for book in (one, other, one, other, other, one)]
    assert len({tuple(claim.params.values()) for claim in claims}) == 6
    for book in (one, other):
        assert book.claim(30).configurations == 6


def test_without_a_total_what_is_paused_goes_on_until_the_epochs_are_spent(world: World) -> None:
    screen = Screen()
    strategy = rungs_over(SPACE)
    assert world.loop(None, space=SPACE, strategy=strategy, progress=screen, epochs=40).run() is Outcome.OUT_OF_EPOCHS
    (note,) = screen.notes
    assert note.endswith("6 configurations, each was tried; paused ones go on, the most promising first")
    assert sum(len(trial.intermediate_values) for trial in world.trials()) == 40
    assert len([state for state in world.states() if state is TrialState.COMPLETE]) >= 3
    # the epochs that are left are a larger total's
    assert world.loop(None, space=SPACE, strategy=rungs_over(SPACE), epochs=99).run() is Outcome.EXHAUSTED
    assert world.states() == [TrialState.COMPLETE] * 6
    assert [len(trial.intermediate_values) for trial in world.trials()] == [EPOCHS] * 6


def test_with_a_total_what_rungs_have_judged_is_left_alone(world: World) -> None:
    assert world.loop(30, space=SPACE, strategy=rungs_over(SPACE), epochs=99).run() is Outcome.EXHAUSTED
    assert sorted(world.states()).count(TrialState.COMPLETE) < 6
    assert set(world.states()) == {TrialState.COMPLETE, TrialState.PRUNED}


def rungs_over(space: SearchSpace) -> Strategy:
    return build_strategy(
        space, strategy="rungs", sampler="forest", pruner=None, seed=0, direction="maximize", epochs=EPOCHS
    )
