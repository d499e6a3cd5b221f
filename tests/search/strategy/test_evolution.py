"""CMA-ES on functions whose least is known, and its generations from trials that end in any order."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from hpo.search.strategy.cma import Array, Cma
from hpo.search.strategy.evolution import KEPT, Evolution
from hpo.search.strategy.history import Finished
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import SearchSpace

from .setting import setting

SPACE = SearchSpace(
    "s",
    (
        Float("x", 0.0, 1.0, prior=0.9),
        Float("y", 1e-3, 1.0, log=True),
        Choice("c", ("a", "b"), branching=True),
        Int("c.a.n", 1, 9, condition=(("c", "a"),)),
        Float("one", 2.0, 2.0),
    ),
)


def sphere(x: Array) -> float:
    return float(((x - 0.4) ** 2).sum())


def ellipsoid(x: Array) -> float:
    return float((10.0 ** np.arange(len(x)) * (x - 0.4) ** 2).sum())


def valley(x: Array) -> float:
    """Rosenbrock's."""
    z = 4 * x - 2
    return float((100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2).sum())


@pytest.mark.parametrize(
    ("function", "dimensions", "generations"), [(sphere, 1, 40), (sphere, 8, 90), (ellipsoid, 4, 160), (valley, 4, 300)]
)
def test_it_finds_the_least(function: Callable[[Array], float], dimensions: int, generations: int) -> None:
    strategy, draw = Cma(dimensions), np.random.default_rng(0)
    state = strategy.start(np.full(dimensions, 0.6), 0.2)
    for _ in range(generations):
        points = [strategy.draw(state, draw, np.zeros(dimensions)) for _ in range(strategy.population)]
        state = strategy.tell(state, np.array(sorted(points, key=function)))
    assert function(state.mean) < 1e-6
    assert state.generation == generations


def test_a_generation_of_equals_breaks_nothing() -> None:
    strategy = Cma(3)
    state = strategy.start(np.full(3, 0.5), 0.2)
    for _ in range(200):
        state = strategy.tell(state, np.full((strategy.population, 3), 0.5))
    assert np.isfinite(strategy.draw(state, np.random.default_rng(0), np.zeros(3))).all()


def trials(count: int) -> list[Finished]:
    draw, made = random.Random(0), []
    for number in range(count):
        params = {"x": draw.random(), "y": 10 ** draw.uniform(-3, 0), "c": draw.choice("ab"), "one": 2.0}
        if params["c"] == "a":
            params["c.a.n"] = draw.randint(1, 9)
        made.append(Finished(number, params, draw.random(), epoch=number % 4, complete=number % 3 > 0))
    return made


def evolution(of: list[Finished]) -> Evolution:
    made = Evolution(setting(SPACE))
    for trial in of:
        made.add(trial)
    return made


def test_its_dimensions_are_numbers_with_more_than_one_value_and_it_begins_at_the_priors() -> None:
    made = evolution([])
    assert [each.key for each in made.dimensions] == ["x", "y", "c.a.n"]
    assert made.state().mean == pytest.approx([0.9, 0.5, 0.5])


def test_the_state_does_not_depend_on_the_order_in_which_trials_ended() -> None:
    some = trials(100)
    in_order, mixed = evolution(some), evolution([])
    random.Random(3).shuffle(some)
    for trial in some:
        mixed.add(trial)
        mixed.draw(np.random.default_rng(0))  # which makes the generations that there are
    assert in_order.state().mean == pytest.approx(mixed.state().mean)
    assert in_order.state().covariance == pytest.approx(mixed.state().covariance)
    assert in_order.state().sigma == pytest.approx(mixed.state().sigma)
    assert in_order.state().generation == 100 // 7


def test_a_late_trial_after_many_generations_makes_them_again() -> None:
    some = trials(7 * (KEPT + 30))
    late = evolution([*some[:3], *some[4:]])
    late.state()
    late.add(some[3])
    assert late.state().mean == pytest.approx(evolution(some).state().mean)
    assert len(late._states) <= KEPT + 1


def test_whole_numbers_and_steps_never_stand_still() -> None:
    space = SearchSpace("s", (Int("n", 1, 100), Float("x", 0.0, 1.0)))
    made = Evolution(setting(space))
    for number in range(600):
        made.add(Finished(number, {"n": 50, "x": 0.5}, 0.5))
    draw = np.random.default_rng(0)
    drawn = [made.draw(draw) for _ in range(400)]
    assert len({params["n"] for params in drawn}) > 1
    assert {params["n"] for params in drawn} <= {49, 50, 51}
