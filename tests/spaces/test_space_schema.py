"""The JSON Schema for editors: accepts what loads, refuses what a typing mistake makes."""

from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.document import parse_file
from hpo.spaces.find import bundled
from hpo.spaces.node import Location
from hpo.spaces.schema import json_schema, schema_text

VALIDATOR = jsonschema.Draft202012Validator(json_schema(SpaceFile))
SPACES = resources.files("hpo.spaces")

ACCEPTED = [
    "schedule: cosine",
    "schedule: {choices: [cosine, step]}",
    "schedule: {choices: {cosine: , step: {drops: {low: 1, high: 3}}}, prior: step}",
    "model: {name: ./net.py:Net, depth: {low: 1, high: 3}, anything: [1, 2]}",
    "model: {choices: {./net.py:Net: {name: ./net.py:Net, a: 1}, resnet: {depth: {choices: [10, 18]}}}}",
    "model: ./net.py:Net",
    "augment: {choices: {none: , flip: {flip: true}}}",
    "augment:",
    "optimizer: {name: sgd, max_grad_norm: {choices: [null, 1.0], prior: null}}",
]
MISTAKES = [
    "sede: 1",
    "seed: one",
    "seed: {low: 1, high: 2}",
    "data: {source: {choices: [digits]}}",
    "objective: {metric: {choices: [val_loss]}}",
    "loss: {label_smoothing: {lo: 0, high: 0.1}}",
    "loss: {label_smoothing: {low: 0, high: 1}}",
    "loss: {label_smoothing: {low: 0}}",
    "model: {depth: 10}",
    "model: {name: resnet, depth: 11}",
    "optimizer: {choices: {sgd: {beta1: 0.9}}}",
    "optimizer: {choices: {adamv: {lr: 0.1}}}",
    "schedule: {choices: [cosin]}",
    "data: {batch_size: {choices: []}}",
    "augment: {flip: {low: 0, high: 1}}",
]


def document(text: str) -> Any:
    return parse_file(text, Location("space.yaml", Path())).plain()


@pytest.mark.parametrize("name", bundled())
def test_bundled_spaces_are_valid(name: str) -> None:
    VALIDATOR.validate(document((SPACES / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepts(text: str) -> None:
    VALIDATOR.validate(document(text))


@pytest.mark.parametrize("text", MISTAKES)
def test_refuses(text: str) -> None:
    assert not VALIDATOR.is_valid(document(text))


def test_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(SpaceFile))


def test_the_file_beside_the_bundled_spaces_is_true() -> None:
    kept = (SPACES / "space.schema.json").read_text(encoding="utf-8")
    assert kept == schema_text(SpaceFile), "hpo schema > spaces/space.schema.json"


@pytest.mark.parametrize("name", bundled())
def test_bundled_spaces_name_the_file_in_their_modeline(name: str) -> None:
    first = (SPACES / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=space.schema.json"
