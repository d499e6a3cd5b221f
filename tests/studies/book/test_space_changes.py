"""Which differences between two spaces there are, and after which a study may go on."""

import json
from pathlib import Path

import pytest
from hpo.spaces.load import load_space
from hpo.studies.book.space_changes import changes
from hpo.training.config import TrialConfig

BASE = """
data: {source: digits, batch_size: {choices: [64, 128]}}
model: {name: resnet, width: {low: 16, high: 64}, dropout: 0.1}
optimizer: {choices: {sgd: {lr: {low: 0.01, high: 1.0}}, adamw: {lr: {low: 1e-4, high: 1e-2, log: true}}}}
"""

CASES = {
    # overrides -> (key, kind, old, new, acceptable)
    "model.width.high=128": ("model.width", "range", "int 16 to 64", "int 16 to 128", True),
    "model.width.step=8": ("model.width", "range", "int 16 to 64", "int 16 to 64, step 8", True),
    "model.dropout=0.2": ("model.dropout", "value", "0.1", "0.2", True),
    "model.dropout={low: 0, high: 0.5}": ("model.dropout", "became", "0.1", "float 0.0 to 0.5", True),
    "model.width=32": ("model.width", "became", "int 16 to 64", "32", True),
    "loss.label_smoothing={low: 0, high: 0.5}": ("loss.label_smoothing", "added", "not set", "float 0.0 to 0.5", True),
    "budget.epochs=30": ("budget.epochs", "added", "not set", "30", True),
    "data.batch_size=64": ("data.batch_size", "became", "one of 64, 128", "64", True),
    "data.batch_size={choices: [64, 256]}": ("data.batch_size", "choices", "one of 64, 128", "one of 64, 256", False),
    "data.batch_size={low: 64, high: 128}": ("data.batch_size", "type", "one of 64, 128", "int 64 to 128", False),
    "optimizer.sgd.lr.log=true": ("optimizer.sgd.lr", "scale", "float 0.01 to 1.0", "float 0.01 to 1.0, log", False),
    "data.source=mnist": ("data.source", "value", "digits", "mnist", False),
    "data.split_seed=1": ("data.split_seed", "added", "not set", "1", False),
}


def canonical(folder: Path, *overrides: str) -> dict[str, object]:
    (folder / "space.yaml").write_text(BASE)
    space = load_space(str(folder / "space.yaml"), TrialConfig, overrides)
    return json.loads(json.dumps(space.canonical()))


@pytest.mark.parametrize("override", CASES)
def test_names_the_change(tmp_path: Path, override: str) -> None:
    (change,) = changes(canonical(tmp_path), canonical(tmp_path, override))
    assert (change.key, change.kind, change.old, change.new, change.acceptable) == CASES[override]


def test_a_change_has_its_mirror(tmp_path: Path) -> None:
    (change,) = changes(canonical(tmp_path, "budget.epochs=30"), canonical(tmp_path))
    assert (change.kind, change.old, change.new, change.acceptable) == ("removed", "30", "not set", True)


def test_another_objective_is_never_acceptable(tmp_path: Path) -> None:
    other = canonical(tmp_path, "objective={metric: val_loss, direction: minimize}")
    found = changes(canonical(tmp_path), other)
    assert [(change.key, change.acceptable) for change in found] == [
        ("objective.direction", False),
        ("objective.metric", False),
    ]


def test_a_new_branch_is_not_acceptable(tmp_path: Path) -> None:
    found = changes(canonical(tmp_path), canonical(tmp_path, "optimizer=sgd"))
    assert {change.key: change.acceptable for change in found}["optimizer"]
    more = canonical(tmp_path, "optimizer={choices: {sgd: {lr: {low: 0.01, high: 1.0}}}}")
    found = changes(canonical(tmp_path), more)
    assert not {change.key: change.acceptable for change in found}["optimizer"]


def test_priors_defaults_and_nothing_are_no_change(tmp_path: Path) -> None:
    assert changes(canonical(tmp_path), canonical(tmp_path)) == []
    assert changes(canonical(tmp_path), canonical(tmp_path, "model.width.prior=32", "seed=0")) == []
