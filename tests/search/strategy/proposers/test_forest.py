"""What a forest proposes: better than draws, from trials at any rung, and priors believed as far as they prove."""

from collections.abc import Mapping
from dataclasses import replace
from math import log10
from statistics import mean
from typing import Any

import numpy as np
import pytest
from hpo.search.strategy.base import Proposer, Setting
from hpo.search.strategy.history import Finished
from hpo.search.strategy.proposers.build import build_proposer
from hpo.search.strategy.proposers.columns import Columns
from hpo.search.strategy.proposers.forest import (
    BEST,
    FIRST,
    LEAF,
    OTHERS,
    TREES,
    ForestProposer,
    fitted_ranks,
    forecast,
    prior_share,
)
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import SearchSpace
from sklearn.tree import ExtraTreeRegressor

from ..setting import setting

SGD = (("optimizer", "sgd"),)
NESTEROV = (*SGD, ("optimizer.sgd.momentum", "nesterov"))
SPACE = SearchSpace(
    "three levels",
    (
        Float("lr", 1e-4, 1.0, log=True),
        Float("dropout", 0.0, 0.5),
        Choice("optimizer", ("adam", "sgd"), branching=True),
        Choice("optimizer.sgd.momentum", ("nesterov", "none"), branching=True, condition=SGD),
        Float("optimizer.sgd.momentum.nesterov.value", 0.5, 0.99, condition=NESTEROV),
        Int("batch", 16, 256, log=True),
    ),
)


def score(params: Mapping[str, Any]) -> float:
    """Best, 0, with sgd, nesterov, lr = 0.01, dropout = 0.2 and 0.9; the batch says nothing."""
    branch = {"adam": 0.5, "none": 0.3}.get(params.get("optimizer.sgd.momentum", params["optimizer"]), 0.0)
    momentum = abs(params.get("optimizer.sgd.momentum.nesterov.value", 0.9) - 0.9)
    return -branch - momentum - 0.3 * abs(log10(params["lr"]) + 2) - abs(params["dropout"] - 0.2)


def search(asked: Proposer, studied: Setting, trials: int) -> list[float]:
    """The scores of trials that wait at the first rung, each after one epoch."""
    waiting: dict[int, Mapping[str, Any]] = {}
    for number in range(trials):
        params = asked.ask(number, {}, waiting)
        assert params is not None
        SPACE.tree(dict(params))
        waiting[number] = params
        studied.curves.report(number, 1, score(params))
    return [score(params) for params in waiting.values()]


def searched(sampler: str, seed: int, trials: int = 40, space: SearchSpace = SPACE) -> list[float]:
    studied = setting(space, seed)
    return search(build_proposer(studied, sampler), studied, trials)


def test_it_finds_better_ones_than_random_draws_in_branches_of_branches() -> None:
    forest = mean(max(searched("forest", seed, 40)) for seed in range(4))
    random = mean(max(map(score, drawn(40, seed))) for seed in range(20))
    assert forest > random + 0.1


def test_the_first_trials_are_drawn_before_there_is_something_to_learn() -> None:
    first, second = searched("forest", 0, FIRST), searched("forest", 0, 4 * FIRST)
    assert first == second[:FIRST]
    assert mean(second[-FIRST:]) > mean(first) + 0.2


def test_a_trial_that_came_further_is_better_whatever_its_value() -> None:
    """Those near dropout 0.4 came to the second rung, and are worth less there than the others at the first."""
    studied = setting(SPACE)
    asked = ForestProposer(studied)
    waiting: dict[int, Mapping[str, Any]] = {}
    for number, params in enumerate(drawn(30)):
        waiting[number] = params
        studied.curves.report(number, 1, 0.9)
        if params["dropout"] > 0.35:
            studied.curves.report(number, 4, 0.5)
    proposed = [(asked.ask(number, {}, waiting) or {})["dropout"] for number in range(30, 40)]
    assert sum(dropout > 0.33 for dropout in proposed) >= 8


def test_equal_trials_make_equal_proposals_whether_they_have_ended_or_wait() -> None:
    studied, again = setting(SPACE, 3), setting(SPACE, 3)
    first, second = ForestProposer(studied), ForestProposer(again)
    params = drawn(20)
    for number, values in enumerate(params):
        for each in (studied, again):
            each.curves.report(number, 1, score(values))
        first.ask(50 + number, {}, {other: params[other] for other in range(number + 1)})  # sees them come
    waiting = dict(enumerate(params))
    assert first.ask(20, {}, waiting) == second.ask(20, {}, waiting)
    assert first.ask(20, {}, waiting) != first.ask(21, {}, waiting)


def test_two_workers_get_different_configurations() -> None:
    studied = setting(SPACE)
    asked = ForestProposer(studied)
    search(asked, studied, 20)
    one = asked.ask(100, {}, {})
    assert one is not None
    assert asked.ask(101, {}, {100: one}) != one


def test_fixed_values_are_kept_and_the_rest_is_learnt() -> None:
    studied = setting(SPACE)
    asked, waiting = ForestProposer(studied), dict(enumerate(drawn(40)))
    for number, params in waiting.items():
        studied.curves.report(number, 1, score(params))
    fixed = {"optimizer": "sgd", "optimizer.sgd.momentum": "none", "dropout": 0.5}
    proposed = [asked.ask(number, fixed, waiting) or {} for number in range(40, 50)]
    assert all({key: params[key] for key in fixed} == fixed for params in proposed)
    assert mean(abs(log10(params["lr"]) + 2) for params in proposed) < 0.7


def test_what_a_forest_is_fitted_to_is_bounded_and_of_all_ranks() -> None:
    ranks = fitted_ranks(10_000)
    assert len(ranks) == len(set(ranks)) == BEST + OTHERS
    assert ranks[:BEST] == list(range(BEST))
    assert ranks[-1] == 9_999
    assert max(np.diff(ranks)) < 50
    assert fitted_ranks(7) == list(range(7))


def believing(lr: float, dropout: float) -> SearchSpace:
    """The space with priors for the two dimensions that matter in all branches."""
    first = Float("lr", 1e-4, 1.0, log=True, prior=lr, confidence="high")
    second = Float("dropout", 0.0, 0.5, prior=dropout, confidence="high")
    return replace(SPACE, parameters=(first, second, *SPACE.parameters[2:]))


def test_good_priors_help_before_anything_is_learnt() -> None:
    good, none = (
        mean(score for seed in range(10) for score in searched("forest", seed, FIRST, space))
        for space in (believing(1e-2, 0.2), SPACE)
    )
    assert good > none + 0.1


def test_bad_priors_are_given_up() -> None:
    bad = [max(searched("forest", seed, 30, believing(0.9, 0.49))) for seed in range(2)]
    assert mean(bad) > -0.25


@pytest.mark.parametrize(("prior", "least", "greatest"), [(1e-2, 0.8, 0.9), (0.9, 0.05, 0.2)])
def test_the_share_of_draws_near_priors_moves_with_the_evidence(prior: float, least: float, greatest: float) -> None:
    columns = Columns(believing(prior, 0.2))
    rows = columns.draw(np.random.default_rng(5), 40, 0.5, {})
    tried = np.array(sorted(rows, key=lambda row: -score(columns.params(row, {}))))
    assert prior_share(columns, tried[:2]) == 0.5
    assert least <= prior_share(columns, tried) <= greatest


def test_what_failed_teaches_nothing() -> None:
    one, other = ForestProposer(setting(SPACE)), ForestProposer(setting(SPACE))
    for number, params in enumerate(drawn(12)):
        one.tell(Finished(number, params, score(params)))
        other.tell(Finished(number, params, score(params)))
        other.tell(Finished(100 + number, params, None, failed=True))
    assert one.ask(50, {}, {}) == other.ask(50, {}, {})


def drawn(count: int, seed: int = 5) -> list[dict[str, Any]]:
    columns = Columns(SPACE)
    return [columns.params(row, {}) for row in columns.draw(np.random.default_rng(seed), count, 0.0, {})]


def test_the_forest_forecasts_what_one_that_checks_its_inputs_does() -> None:
    random = np.random.default_rng(0)
    tried, asked, targets = random.random((50, 4)), random.random((20, 4)), np.log1p(np.arange(50))
    trees = (ExtraTreeRegressor(min_samples_leaf=LEAF, random_state=7 + tree) for tree in range(TREES))
    checked = [tree.fit(tried.astype(np.float32), targets).predict(asked.astype(np.float32)) for tree in trees]
    assert (forecast(tried, targets, asked, 7) == np.mean(checked, axis=0)).all()
