"""Dimensions whose best values lie at an end of their range."""

import json
import random
from typing import Any

import pytest
from hpo.studies.records.edges import BEST, TRIED, Edge, edges

SPACE = {
    "lr": {"type": "float", "low": 0.001, "high": 1.0, "log": True, "step": None},
    "decay": {"type": "float", "low": 0.0, "high": 0.4, "log": False, "step": None},
    "width": {"type": "int", "low": 8, "high": 64, "log": False, "step": 1},
    "depth": {"type": "int", "low": 1, "high": 4, "log": False, "step": 1},
    "name": {"type": "choice", "choices": ["a", "b"]},
    "momentum": {"type": "float", "low": 0.5, "high": 1.0, "log": False, "step": None},
}
TEXT = json.dumps({"parameters": SPACE, "fixed": {}})
USUAL = {"lr": 0.03, "decay": 0.2, "width": 30, "depth": 2, "name": "a", "momentum": 0.8}


def best(**values: Any) -> list[dict[str, Any]]:
    return [USUAL | values for _ in range(BEST)]


@pytest.mark.parametrize(
    ("key", "value", "end"),
    [
        ("lr", 0.9, "highest"),
        ("lr", 0.0015, "lowest"),
        ("width", 64, "highest"),
        ("width", 9, "lowest"),
        ("decay", 0.39, "highest"),
        ("decay", 0.01, None),  # from 0 there is no way down
        ("momentum", 0.99, None),
        ("lr", 0.4, None),  # on its scale that is no end
        ("depth", 4, None),  # of so few values one is an end soon
    ],
)
def test_an_end_is_named(key: str, value: float, end: str | None) -> None:
    found = edges(TEXT, best(**{key: value}), TRIED)
    assert [(edge.key, edge.end) for edge in found] == ([] if end is None else [(key, end)])


def test_one_of_the_best_may_lie_elsewhere_and_no_more() -> None:
    trials = [*best(lr=0.9)[:4], USUAL]
    assert edges(TEXT, trials, TRIED) == [Edge("lr", "highest", 0.001, 1.0, 4, 5)]
    assert edges(TEXT, trials, TRIED)[0].words == (
        "4 of the 5 best have lr in the highest tenth of 0.001 to 1: a wider range may hold better ones"
    )
    assert edges(TEXT, [*trials[1:], USUAL], TRIED) == []


def test_nothing_is_said_of_few_trials_or_of_a_study_without_a_space() -> None:
    assert edges(TEXT, best(lr=0.9), TRIED - 1) == []
    assert edges(TEXT, best(lr=0.9)[:4], TRIED) == []
    assert edges("", best(lr=0.9), TRIED) == edges("[1]", best(lr=0.9), TRIED) == edges("{", best(lr=0.9), TRIED) == []


def test_in_another_branch_a_trial_has_no_value_there() -> None:
    without = {key: value for key, value in USUAL.items() if key != "lr"}
    assert edges(TEXT, [*best(lr=0.9)[:3], without, without], TRIED) == []


def test_chance_is_seldom_taken_for_an_end() -> None:
    order, found = random.Random(0), 0
    for _ in range(500):
        trials = [USUAL | {"lr": 10 ** order.uniform(-3, 0), "width": order.randint(8, 64)} for _ in range(BEST)]
        found += bool(edges(TEXT, trials, TRIED))
    assert found <= 3
