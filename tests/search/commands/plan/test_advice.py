"""What is unwise about a search, in sentences."""

from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from hpo.search.commands.plan.advice import Circumstances, advice
from hpo.search.commands.plan.result import Room
from hpo.search.configuration.search_settings import SearchSettings
from hpo.search.configuration.space_file import SpaceFile
from hpo.search.executors.preflight import Preflight
from hpo.search.strategy.strategies.auto import Facts
from hpo.spaces.load import load_space
from hpo.training.data.config import DataConfig
from hpo.training.machine.numerics import ON_A_CPU

SPACE = load_space("simple_cnn", SpaceFile)
READY = Preflight(Path("pack"), "f", 50_000, 6000, 0, ON_A_CPU, (), test_images=6000)
GRID = SearchSettings("rungs", "grid:5")
WISE = Circumstances(
    facts=Facts(SPACE, 50, 9, 2, steps=700),
    settings=SearchSettings("rungs", "forest"),
    size=inf,
    data=DataConfig(source="digits"),
    ready=READY,
    start_s=0.5,
    epoch_s=20.0,
    memory=Room(2 * 10**9, 10**10),
    disk=Room(10**9, 10**11),
)


def advised(of: Circumstances = WISE, /, *, facts: Facts = WISE.facts, **changes: object) -> list[str]:
    return list(advice(replace(of, facts=facts, **changes)))  # type: ignore[arg-type]


def test_a_wise_search_has_none() -> None:
    assert advised() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"memory": Room(2 * 10**10, 10**10)},
            "2 workers with the largest configuration take 20.0 GB",
        ),
        ({"disk": Room(10**12, 10**11)}, "checkpoints may take 1,000.0 GB"),
        (
            {"settings": SearchSettings("rungs", "grid:5"), "size": 125.0},
            "the grid has 125 configurations, and 50 trials try 40% of them",
        ),
        (
            {"settings": GRID, "size": 12.0},
            "the grid has 12 configurations, fewer than 50 trials",
        ),
        ({"size": 12.0}, "the space has 12 configurations, fewer than 50 trials"),
        ({"start_s": 30.0}, "a worker makes ready for 30.0 s each time"),
    ],
)
def test_what_is_measured_and_counted(changes: dict[str, object], words: str) -> None:
    (sentence,) = advised(**changes)
    assert sentence.startswith(words)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (Facts(SPACE, 50, 3, 2, steps=700), "budget.epochs 3 is too few for rungs"),
        (Facts(SPACE, 50, 9, 2, steps=7), "an epoch has 7 batches"),
        (Facts(SPACE, 7, 9, 1, steps=700), "7 trials are too few for rungs"),
        (Facts(SPACE, 20, 9, 8, steps=700), "8 workers begin most of 20 trials before any has ended"),
        (Facts(SPACE, 20, 9, 30, steps=700), "30 workers for 20 trials: 10 of them have nothing to do"),
    ],
)
def test_too_few_of_something(facts: Facts, words: str) -> None:
    (sentence,) = advised(facts=facts)
    assert sentence.startswith(words)


def test_hyperband_needs_trials_for_each_bracket() -> None:
    pruning = replace(WISE, settings=SearchSettings("pruning", "tpe", "hyperband"))
    few, many = (advised(pruning, facts=replace(WISE.facts, trials=trials)) for trials in (20, 24))
    assert few == [
        "hyperband shares 20 trials among 3 brackets, which need 24 to compare some in each: take more trials, or "
        "--pruner asha, which has one bracket"
    ]
    assert many == []


def test_small_splits() -> None:
    validation, test = advised(ready=replace(READY, val_images=24, test_images=24))[::-1]
    assert validation.startswith("the validation split has 24 images: it tells two configurations apart")
    assert "--set data.folds=5" in validation
    assert test.startswith("the test split has 24 images: the 95 % interval")
    given = advised(ready=replace(READY, val_images=24, given_splits=("val",)))
    assert "folds" not in given[0]


def test_without_a_total_nothing_is_said_of_it() -> None:
    assert advised(facts=replace(WISE.facts, trials=None), size=12.0, disk=Room(None, 0), memory=Room(None, 0)) == []
