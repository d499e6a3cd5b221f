"""`auto`: which strategy it picks, and that it says why."""

from dataclasses import replace

import pytest
from hpo.search.strategy.strategies.auto import Facts, pick
from hpo.search.strategy.strategies.registry import STRATEGIES
from hpo.spaces.parameter import Choice, Float
from hpo.spaces.space import SearchSpace

SPACE = SearchSpace("s", (Float("lr", 1e-4, 1.0, log=True), Choice("optimizer", ("adamw", "sgd"), branching=True)))
USUAL = Facts(SPACE, trials=50, epochs=9, workers=2)


def test_rungs_where_nothing_speaks_against_them() -> None:
    picked = pick(USUAL)
    assert picked.strategy == "rungs"
    assert picked.why == "9 epochs leave some to save; after 1, 4 the best 1/4 go on, the others pause"


@pytest.mark.parametrize("trials", [64, 1000, None])
def test_narrow_rungs_for_many_long_trials(trials: int | None) -> None:
    picked = pick(replace(USUAL, trials=trials, epochs=17))
    assert picked.strategy == "narrow_rungs"
    assert picked.why == "17 epochs leave some to save; after 1, 4, 16 the best 1/16, 1/4, 1/2 go on, the others pause"
    assert pick(replace(USUAL, trials=trials, epochs=16)).strategy == "rungs"
    assert pick(replace(USUAL, trials=63, epochs=17)).strategy == "rungs"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (replace(USUAL, has_pruner=True), "a pruner is named"),
        (replace(USUAL, epochs=3), "3 epochs are too few for rungs"),
        (replace(USUAL, steps=6), "after an epoch of 6 batches no trial can be told from another"),
        (replace(USUAL, at_best=True), "the best epoch of a trial counts"),
        (replace(USUAL, trials=7, workers=1), "7 trials are too few"),
        (replace(USUAL, space=SearchSpace("s", (Choice("x", (1, 2, 3)),))), "3 trials are too few"),
        (replace(USUAL, workers=16), "16 workers begin most of 50 trials at once"),
    ],
)
def test_pruning_where_one_of_the_rules_asks_for_it(facts: Facts, why: str) -> None:
    picked = pick(facts)
    assert picked.strategy == "pruning"
    assert picked.why.startswith(why)


def test_a_fold_is_a_whole_training_so_that_a_rung_may_follow_the_first() -> None:
    in_folds = replace(USUAL, epochs=5, folds=5, steps=6, at_best=True)
    picked = pick(in_folds)
    assert picked.strategy == "rungs"
    assert picked.why == "5 folds leave some to save; after 1, 4 the best 1/4 go on, the others pause"
    assert pick(replace(in_folds, epochs=2, folds=2)).strategy == "rungs"
    assert pick(replace(in_folds, trials=7, workers=1)).strategy == "pruning"
    assert [replace(USUAL, folds=folds).pruner for folds in (0, 3, 4)] == [None, None, "wilcoxon"]


def test_every_strategy_that_is_picked_exists() -> None:
    assert {
        pick(USUAL).strategy,
        pick(replace(USUAL, trials=None)).strategy,
        pick(replace(USUAL, epochs=1)).strategy,
    } <= set(STRATEGIES)
