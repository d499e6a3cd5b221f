"""Every configuration of a finite space, and when two are the same."""

import json
import random

import pytest
from hpo.spaces.configurations import configurations, key_of
from hpo.spaces.parameter import Choice, Float, Int, Parameter
from hpo.spaces.space import SearchSpace
from hypothesis import given
from hypothesis import strategies as st

from .generated import TREES, Tree, load, quick
from .test_space_properties import enumerate_params

BRANCHING = SearchSpace(
    "s",
    (
        Int("depth", 2, 8, step=3),
        Choice("optimizer", ("adamw", "sgd"), branching=True),
        Float("optimizer.sgd.momentum", 0.1, 0.4, step=0.1, condition=(("optimizer", "sgd"),)),
        Choice("optimizer.adamw.amsgrad", (1, True, None), condition=(("optimizer", "adamw"),)),
    ),
)


def test_each_configuration_comes_once_and_is_valid() -> None:
    found = list(configurations(BRANCHING, random.Random(0)))
    assert len(found) == BRANCHING.size() == 3 * (4 + 3)
    assert len({key_of(BRANCHING, params) for params in found}) == len(found)
    for params in found:
        BRANCHING.tree(params)
        assert all(BRANCHING.by_key[key].contains(value) for key, value in params.items())


def test_fixed_values_are_kept() -> None:
    found = list(configurations(BRANCHING, random.Random(0), {"optimizer": "sgd", "depth": 5}))
    assert [params["optimizer.sgd.momentum"] for params in found] in (
        [0.1, 0.2, 0.3, 0.4], [0.2, 0.3, 0.4, 0.1], [0.3, 0.4, 0.1, 0.2], [0.4, 0.1, 0.2, 0.3],
    )  # fmt: skip


def test_they_begin_anywhere() -> None:
    firsts = {key_of(BRANCHING, next(configurations(BRANCHING, random.Random(seed)))) for seed in range(200)}
    assert len(firsts) == BRANCHING.size()


@pytest.mark.parametrize(
    "params",
    [
        {"depth": 3, "optimizer": "adamw", "optimizer.adamw.amsgrad": None},
        {"depth": 2, "optimizer": "adamw"},
        {"optimizer": "adamw", "optimizer.adamw.amsgrad": None},
    ],
)
def test_what_is_no_configuration_has_no_key(params: Tree) -> None:
    assert key_of(BRANCHING, params) is None


def test_the_same_configuration_has_the_same_key() -> None:
    sgd = {"depth": 2, "optimizer": "sgd"}
    assert key_of(BRANCHING, {**sgd, "optimizer.sgd.momentum": 0.1 + 0.2}) == key_of(
        BRANCHING, {"optimizer.sgd.momentum": 0.3, **sgd, "unknown": 1}
    )
    adamw = {"depth": 2, "optimizer": "adamw"}
    keys = {key_of(BRANCHING, {**adamw, "optimizer.adamw.amsgrad": value}) for value in (1, True, None)}
    assert len(keys) == 3


@pytest.mark.parametrize(
    "parameter",
    [
        Float("x", 0.1, 0.7, step=0.1), Float("x", 0.5, 0.5), Int("x", -3, 9, step=4), Int("x", 1, 9, log=True),
        Choice("x", (None, 1, True, "1")),
    ],
)  # fmt: skip
def test_a_position_is_that_of_its_value(parameter: Parameter) -> None:
    values = [parameter.at(position) for position in range(int(parameter.size()))]
    assert all(map(parameter.contains, values))
    assert [parameter.position(value) for value in values] == list(range(len(values)))


@quick
@given(TREES, st.integers(0, 99))
def test_they_are_those_that_brute_force_finds(tree: Tree, seed: int) -> None:
    space = load(tree)
    if space.size() > 200:
        return
    ours = [json.dumps(params, sort_keys=True) for params in configurations(space, random.Random(seed))]
    assert len(ours) == space.size()
    assert {json.dumps(params, sort_keys=True) for params in enumerate_params(space)} == set(ours) or any(
        isinstance(parameter, Float)
        for parameter in space.parameters  # brute force adds up steps, and rounds
    )
