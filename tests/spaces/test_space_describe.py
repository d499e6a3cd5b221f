"""What `hpo check` has to say about a space."""

from pathlib import Path

import pytest
from hpo.spaces.describe import Branch, Description, Dimension, describe
from hpo.spaces.find import bundled
from hpo.spaces.load import load_space
from hpo.training.config import TrialConfig


def description(folder: Path, text: str) -> Description:
    (folder / "space.yaml").write_text(text)
    return describe(load_space(str(folder / "space.yaml"), TrialConfig))


def test_dimensions_branches_and_size_in_words(tmp_path: Path) -> None:
    lr = "{low: 1e-3, high: 1, log: true, prior: 0.1, confidence: low}"
    text = f"optimizer: {{choices: {{sgd: {{lr: {lr}}}, adamw: }}}}\nseed: 3"
    found = description(tmp_path, text)
    assert found.dimensions == (
        Dimension("optimizer", "branches adamw, sgd", "", "", ""),
        Dimension("optimizer.sgd.lr", "0.001 to 1, log", "0.1", "low", "optimizer = sgd"),
    )
    assert found.branches == (Branch("optimizer", "adamw", 0), Branch("optimizer", "sgd", 1))
    assert ("seed", "3") in found.fixed
    assert found.size == float("inf")


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("optimizer: {name: sgd, lr: {low: 0.01, high: 1}}", "optimizer.lr", "log: true"),
        ("optimizer: {name: sgd, weight_decay: {low: 0, high: 1}}", "optimizer.weight_decay", "log: true"),
        ("model: {name: n.py:N, a: {low: 1, high: 2000}}", "model.a", "three decades"),
        ("data: {batch_size: {choices: [8]}}", "data.batch_size", "one value only"),
        ("budget: {epochs: {low: 3, high: 3}}", "budget.epochs", "one value only"),
        ("seed: 1", "", "every trial would be the same"),
        (
            "data: {batch_size: {choices: [8, 9]}}\nbudget: {epochs: {low: 3, high: 4, prior: 3}}",
            "data.batch_size",
            "no prior though others have",
        ),
    ],
)
def test_lint(tmp_path: Path, text: str, key: str, words: str) -> None:
    (warning,) = description(tmp_path, text).warnings
    assert warning.key == key
    assert words in warning.text


@pytest.mark.parametrize(
    "text",
    [
        "optimizer: {name: sgd, lr: {low: 0.01, high: 1, log: true}}",
        "optimizer: {name: sgd, lr: {low: 0.1, high: 0.5}}",
        "model: {name: n.py:N, a: {low: 1, high: 900}}",
        "model: {name: n.py:N, a: {low: -5, high: 5}}",
        "data: {batch_size: {choices: [8, 9]}}",
    ],
)
def test_nothing_to_say(tmp_path: Path, text: str) -> None:
    assert description(tmp_path, text).warnings == ()


@pytest.mark.parametrize("name", bundled())
def test_bundled_spaces_have_no_lint(name: str) -> None:
    assert describe(load_space(name, TrialConfig)).warnings == ()
