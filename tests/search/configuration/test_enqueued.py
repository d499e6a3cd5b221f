"""What may be enqueued for a trial: values of the space, whole or in part."""

from typing import Any

import pytest
from hpo.errors import SpaceError
from hpo.search.configuration.enqueued import with_branches
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import Fixed, SearchSpace

SGD = (("optimizer", "sgd"),)
SPACE = SearchSpace(
    "mine",
    (
        Choice("optimizer", ("adamw", "sgd"), branching=True),
        Float("optimizer.sgd.lr", 0.001, 0.01, log=True, condition=SGD),
        Choice("optimizer.sgd.nesterov", (True, False), condition=SGD),
        Float("optimizer.adamw.lr", 1e-4, 1e-2, log=True, condition=(("optimizer", "adamw"),)),
        Int("model.width", 8, 64, step=8),
        Choice("data.batch_size", (32, 64)),
    ),
    (Fixed("data.source", "digits"),),
)


@pytest.mark.parametrize(
    ("enqueued", "whole"),
    [
        ({}, {}),
        ({"model.width": 16}, {"model.width": 16}),
        ({"optimizer": "sgd"}, {"optimizer": "sgd"}),
        ({"optimizer.sgd.lr": 0.002}, {"optimizer.sgd.lr": 0.002, "optimizer": "sgd"}),  # its branch is taken
        (
            {"optimizer": "adamw", "optimizer.adamw.lr": 0.01, "model.width": 64},
            {"optimizer": "adamw", "optimizer.adamw.lr": 0.01, "model.width": 64},
        ),
    ],
)
def test_what_lies_in_the_space_is_taken(enqueued: dict[str, Any], whole: dict[str, Any]) -> None:
    assert with_branches(enqueued, SPACE) == whole


LAW = "an enqueued value must be one of the space's"


@pytest.mark.parametrize(
    ("enqueued", "words"),
    [
        ({"optimizer.sgd.lr": 5.0}, f"optimizer.sgd.lr: {LAW} (0.001 to 0.01, log), got 5.0"),
        ({"optimizer.sgd.lr": float("nan")}, "got nan"),
        ({"optimizer.sgd.lr": "fast"}, "got 'fast'"),
        ({"optimizer.sgd.lr": True}, "got true"),
        ({"optimizer.sgd.nesterov": 1}, "(true, false), got 1"),
        ({"model.width": 12}, f"model.width: {LAW} (8 to 64, step 8), got 12"),
        ({"model.width": None}, "got null"),
        ({"data.batch_size": 48}, f"data.batch_size: {LAW} (32, 64), got 48"),
        ({"optimizer": "adam"}, f"optimizer: {LAW} (branches adamw, sgd), got 'adam'"),
        ({"model.widht": 8}, "model.widht: enqueued, but not a dimension of the space; did you mean model.width?"),
        ({"data.source": "mnist"}, "data.source: enqueued, but not a dimension of the space; "),
        (
            {"optimizer": "adamw", "optimizer.sgd.lr": 0.002},
            "optimizer.sgd.lr: enqueued, but it exists only where optimizer is sgd, got 'adamw'",
        ),
        ({"optimizer.sgd.lr": 0.002, "optimizer.adamw.lr": 0.01}, "exists only where optimizer is adamw, got 'sgd'"),
    ],
)
def test_what_does_not_is_refused_in_a_line(enqueued: dict[str, Any], words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        with_branches(enqueued, SPACE)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_space_without_dimensions_takes_nothing() -> None:
    with pytest.raises(SpaceError, match=r"x: enqueued, but not a dimension of the space$"):
        with_branches({"x": 1}, SearchSpace("fixed", ()))
