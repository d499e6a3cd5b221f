"""Several objectives as a list, and constraints, in a space file."""

from pathlib import Path
from typing import Any

import pytest
from hpo.errors import SpaceError
from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.dump import dump_space
from hpo.spaces.find import Source
from hpo.spaces.load import load_source
from hpo.spaces.node import Location
from hpo.spaces.space import SearchSpace

TWO = "objective: [{metric: val_accuracy, at: best}, {metric: latency_ms}]\n"


def loaded(text: str, *changes: str) -> SearchSpace:
    return load_source(Source("s", text, Location("s.yaml", Path.cwd())), SpaceFile, changes)


def objective(space: SearchSpace) -> dict[str, Any]:
    return {key: value for key, value in space.fixed.items() if key.startswith("objective.")}


def test_the_first_of_a_list_is_the_section_and_the_rest_is_in_it() -> None:
    space = loaded(TWO)
    latency = {"metric": "onnx_latency_ms", "direction": "minimize"}
    assert objective(space) == {
        "objective.metric": "val_accuracy",
        "objective.at": "best",
        "objective.also": [latency],
    }
    assert loaded(dump_space(space)).canonical() == space.canonical()
    assert objective(loaded(TWO, "objective.at=last"))["objective.at"] == "last"
    assert (
        objective(loaded(TWO, "objective=[{metric: val_loss}, {metric: params_m}]"))["objective.metric"] == "val_loss"
    )
    assert (
        loaded("objective: [{metric: val_loss}]\n").canonical() == loaded("objective: {metric: val_loss}\n").canonical()
    )


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("objective: []\n", "s.yaml:1: objective: must be a mapping"),
        ("objective: [3, {metric: val_loss}]\n", "s.yaml:1: objective: must be a mapping"),
        ("objective: [{metric: val_loss}, {metric: val_loss}]\n", "objectives must differ, got val_loss twice"),
        ("objective: [{metric: val_loss}, {metric: speed}]\n", "objective.also: must be 'val_accuracy'"),
        ("objective: [{metric: params_m}, {metric: val_loss}]\n", "objective.metric: must be 'val_accuracy'"),
        (
            "objective: [{metric: val_loss}, {metric: params_m, direction: maximize}]\n",
            "direction must be minimize for params_m, got maximize",
        ),
        ("constraints: {params_m: 5}\n", 's.yaml:1: constraints.params_m: must be a limit such as "<= 5", got 5'),
        ('constraints: {params_m: ">= 5"}\n', 'must be a limit such as "<= 5", got \'>= 5\''),
        ('constraints: {val_accuracy: "<= 0.9"}\n', 'must be a limit such as ">= 5"'),
        ('constraints: {params: "<= 5"}\n', "constraints.params: unknown key; did you mean params_m?"),
        ('constraints: {onnx_mb: {low: 1, high: 2}}\n', "must be a value, since it decides"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(text: str, law: str) -> None:
    with pytest.raises(SpaceError) as error:
        loaded(text)
    assert law in str(error.value)


def test_limits_have_one_form() -> None:
    given = loaded('constraints: {params_m: "<=5.0", val_accuracy: ">= .9"}\n')
    assert given.fixed["constraints.params_m"] == "<= 5"
    assert given.fixed["constraints.val_accuracy"] == ">= 0.9"
