"""Configurations as rows, in a space with branches in branches."""

import numpy as np
import pytest
from hpo.search.strategy.proposers.columns import OUTSIDE, Columns
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import SearchSpace

SGD = (("optimizer", "sgd"),)
NESTEROV = (*SGD, ("optimizer.sgd.momentum", "nesterov"))
SPACE = SearchSpace(
    "three levels",
    (
        Float("lr", 1e-4, 1.0, log=True, prior=1e-2, confidence="high"),
        Choice("optimizer", ("adam", "sgd"), branching=True, prior_index=1, confidence="high"),
        Choice("optimizer.sgd.momentum", ("nesterov", "none"), branching=True, condition=SGD),
        Float("optimizer.sgd.momentum.nesterov.value", 0.5, 0.9, step=0.1, condition=NESTEROV),
        Int("batch", 16, 256, log=True),
        Int("width", 0, 100_000),
    ),
)
LR, OPTIMIZER, MOMENTUM, VALUE, _, _ = range(6)


@pytest.fixture
def columns() -> Columns:
    return Columns(SPACE)


def draw(columns: Columns, near_priors: float = 0.0, **fixed: object) -> np.ndarray:
    return columns.draw(np.random.default_rng(0), 200, near_priors, fixed)


def test_what_is_drawn_is_of_the_space_and_has_its_row(columns: Columns) -> None:
    for row in draw(columns):
        params = columns.params(row, {})
        SPACE.tree(params)
        assert all(SPACE.by_key[key].contains(value) for key, value in params.items())
        again = columns.row(params)
        assert again[:5] == pytest.approx(row[:5], abs=1e-9)
        assert again[5] == pytest.approx(row[5], abs=1e-4)  # too many values to have bins


def test_every_branch_is_drawn_and_what_is_not_in_it_is_outside(columns: Columns) -> None:
    rows = draw(columns)
    kinds = {tuple(row[[OPTIMIZER, MOMENTUM, VALUE]] == OUTSIDE) for row in rows}
    assert kinds == {(False, True, True), (False, False, True), (False, False, False)}


def test_fixed_values_choose_the_branches_too(columns: Columns) -> None:
    fixed = {"optimizer": "sgd", "optimizer.sgd.momentum": "nesterov", "lr": 3.0}
    for row in columns.draw(np.random.default_rng(0), 5, 0.0, fixed):
        params = columns.params(row, fixed)
        assert params["lr"] == 3.0, "what somebody has asked for, though the space does not have it"
        assert "optimizer.sgd.momentum.nesterov.value" in params


def test_a_share_is_drawn_near_the_priors(columns: Columns) -> None:
    middle = columns.row({"lr": 1e-2})[LR]
    near = abs(draw(columns, 0.5)[:, LR] - middle) < 0.15
    assert 100 < near.sum() < 180
    assert (draw(columns, 1.0)[:, OPTIMIZER] == columns.row({"optimizer": "sgd"})[OPTIMIZER]).sum() > 160


def test_what_is_near_the_priors_has_the_higher_odds(columns: Columns) -> None:
    near, far = columns.row({"lr": 2e-2, "optimizer": "sgd"}), columns.row({"lr": 0.9, "optimizer": "adam"})
    first, second = columns.log_odds(np.array([near, far]))
    assert first > 0 > second


def test_a_space_without_priors_has_no_odds() -> None:
    columns = Columns(SearchSpace("plain", (Float("x", 0.0, 1.0),)))
    assert not columns.any_prior
    assert columns.log_odds(np.array([[0.3], [0.7]])).tolist() == [0.0, 0.0]
