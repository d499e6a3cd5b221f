"""The grid: each configuration once, in an order of no dimension, whatever the seed and however many ask."""

from math import prod
from typing import Any

import pytest
from hpo.errors import SpaceError
from hpo.search.strategy.history import Finished
from hpo.search.strategy.proposers.grid import GridProposer
from hpo.spaces.configurations import configuration_at, key_of
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import SearchSpace
from hypothesis import given, settings
from hypothesis import strategies as st

from ..setting import propose

SGD, ADAM = (("opt", "sgd"),), (("opt", "adam"),)
SPACE = SearchSpace(
    "s",
    (
        Float("lr", 0.01, 1.0, log=True),
        Choice("opt", ("adam", "sgd"), branching=True),
        Float("opt.sgd.momentum", 0.0, 0.8, step=0.4, condition=SGD),
        Choice("opt.sgd.nesterov", (True, False), condition=SGD),
        Int("opt.adam.k", 1, 4, condition=ADAM),
    ),
)  # 3 points x (4 + 3 x 2)
SIZE = 30


def walk(asked: GridProposer, numbers: range) -> list[dict[str, Any]]:
    found = []
    for number in numbers:
        if (params := asked.ask(number, {}, {})) is None:
            break
        found.append(dict(params))
        asked.tell(Finished(number, params, 0.5))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_each_configuration_is_proposed_once_and_then_none(seed: int) -> None:
    asked = GridProposer(SPACE, seed, 3)
    assert asked.size() == SIZE
    found = walk(asked, range(100))
    assert len(found) == len({tuple(sorted(params.items())) for params in found}) == SIZE
    assert sorted({params["lr"] for params in found}) == pytest.approx([0.01, 0.1, 1.0])
    for params in found:
        SPACE.tree(params)
        assert all(SPACE.by_key[key].contains(value) for key, value in params.items())


def test_a_part_of_the_grid_is_spread_over_it() -> None:
    space = SearchSpace("s", tuple(Float(f"x{place}", 0.0, 1.0) for place in range(4)))
    for seed in range(5):
        found = walk(GridProposer(space, seed, 5), range(25))  # of 625
        for place in range(4):
            assert len({params[f"x{place}"] for params in found}) >= 4


def test_numbers_that_were_not_proposed_for_are_made_up_for_at_the_end() -> None:
    """Enqueued and broken trials have numbers, too."""
    asked = GridProposer(SPACE, 0, 3)
    assert len(walk(asked, range(7, 200, 3))) == SIZE


def test_what_runs_is_not_proposed() -> None:
    asked, running = GridProposer(SPACE, 0, 3), {}
    for number in range(SIZE):
        params = asked.ask(number, {}, running)
        assert params is not None
        running[number] = params
    assert asked.ask(SIZE, {}, running) is None
    assert asked.ask(SIZE, {}, {}) is not None


def test_what_is_asked_for_is_proposed_between_the_points_or_twice() -> None:
    asked = GridProposer(SPACE, 0, 3)
    assert (asked.ask(0, {"lr": 0.02}, {}) or {})["lr"] == 0.02
    walk(asked, range(1, 100))
    assert (asked.ask(100, {"lr": 0.01}, {}) or {})["lr"] == 0.01
    assert asked.ask(101, {}, {}) is None


def test_outdated_trials_are_tried_again() -> None:
    asked = GridProposer(SPACE, 0, 3)
    first = asked.ask(0, {}, {})
    assert first is not None
    asked.tell(Finished(0, first, 0.5, outdated=True))
    assert asked.ask(0, {}, {}) == first


@pytest.mark.parametrize(
    ("sampler", "words"),
    [
        (
            "grid",
            "--sampler grid: lr is continuous; give it a step in the space, or all such dimensions 5 points",
        ),
        ("grid:1", "--sampler grid:N needs N points, at least 2, got 1"),
        ("grid:x", "--sampler grid:x: points must be a whole number, got 'x'"),
    ],
)
def test_what_is_wrong_is_told(sampler: str, words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        propose(sampler, SPACE)


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.lists(st.integers(1, 3), max_size=3))
def test_every_place_has_a_configuration_of_its_own(sizes: list[int], inner: list[int]) -> None:
    """A choice of branches, one of which has dimensions of its own, among others."""
    branch = (("b", "one"),)
    space = SearchSpace(
        "s",
        (
            *(Int(f"x{place}", 1, size) for place, size in enumerate(sizes)),
            Choice("b", ("one", "two"), branching=True),
            *(Int(f"b.one.y{place}", 1, size, condition=branch) for place, size in enumerate(inner)),
        ),
    )
    size = int(space.size())
    assert size == prod(sizes) * (prod(inner) + 1)
    keys = {key_of(space, configuration_at(space, place)) for place in range(size)}
    assert len(keys) == size
    assert None not in keys
