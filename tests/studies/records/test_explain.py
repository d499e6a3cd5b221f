"""What explains failures, and that chance alone seldom seems to."""

import random
from typing import Any

import pytest
from hpo.studies.records.explain import Explanation, explain
from scipy.stats import fisher_exact

Params = dict[str, Any]


def trials(count: int, seed: int) -> list[Params]:
    order = random.Random(seed)
    return [
        {
            "lr": 10 ** order.uniform(-4, 0),
            "optimizer": order.choice(["sgd", "adamw"]),
            "batch_size": order.choice([32, 64, 128, 256]),
            "flip": order.choice([True, False]),
        }
        for _ in range(count)
    ]


def parted(drawn: list[Params], fails: Any) -> tuple[list[Params], list[Params]]:
    return [params for params in drawn if fails(params)], [params for params in drawn if not fails(params)]


CAUSES = {
    "above": (lambda params: params["lr"] > 0.3, "lr", ">="),
    "below": (lambda params: params["lr"] < 0.0003, "lr", "<="),
    "one of some": (lambda params: params["batch_size"] == 256, "batch_size", ">="),
    "a choice": (lambda params: params["optimizer"] == "sgd", "optimizer", "="),
    "a switch": (lambda params: params["flip"], "flip", "="),
}


@pytest.mark.parametrize(("fails", "key", "sign"), CAUSES.values(), ids=CAUSES)
def test_the_cause_is_found(fails: Any, key: str, sign: str) -> None:
    failed, others = parted(trials(60, 0), fails)
    found = explain(failed, others)
    assert found is not None
    assert (found.key, found.sign) == (key, sign)
    assert (found.failed, found.count, found.failed_elsewhere) == (len(failed), len(failed), 0)
    assert found.elsewhere == len(others)


def test_a_cause_that_seldom_fails_elsewhere_is_found_with_its_counts() -> None:
    failed, others = parted(trials(60, 1), lambda params: params["lr"] > 0.3)
    found = explain([*failed, others[0]], others[1:])
    assert found is not None
    assert (found.key, found.failed, found.failed_elsewhere) == ("lr", len(failed), 1)


def test_a_parameter_of_a_branch_explains_what_fails_in_it() -> None:
    drawn = [params | ({"momentum": 0.9} if params["optimizer"] == "sgd" else {}) for params in trials(60, 2)]
    failed, others = parted(drawn, lambda params: "momentum" in params)
    found = explain(failed, others)
    assert found is not None
    assert found.key in ("optimizer", "momentum")


@pytest.mark.parametrize(("failed", "others"), [([], trials(9, 0)), (trials(1, 1), trials(9, 0)), (trials(5, 1), [])])
def test_too_few_are_explained_by_nothing(failed: list[Params], others: list[Params]) -> None:
    assert explain(failed, others) is None


def test_chance_is_seldom_taken_for_a_cause() -> None:
    explained = 0
    for seed in range(100):
        drawn, order = trials(40, seed), random.Random(seed)
        failed, others = parted(drawn, lambda params, order=order: order.random() < 0.2)
        explained += explain(failed, others) is not None
    assert explained <= 3


def test_the_probability_is_that_of_fishers_exact_test() -> None:
    failed, others = [{"a": "x"}] * 7 + [{"a": "y"}] * 2, [{"a": "x"}] * 3 + [{"a": "y"}] * 28
    found = explain(failed, others)
    assert found == Explanation(
        "a", "=", "x", 7, 10, 2, 30, pytest.approx(2 * fisher_exact([[7, 3], [2, 28]], "greater").pvalue)
    )
