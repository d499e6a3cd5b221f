"""The models of a space that are tried before a study begins: every branch, choice and end of a range, once."""

from pathlib import Path
from typing import Any

from hpo.search.configuration.models_to_try import MAX_MODELS, models_to_try
from hpo.spaces.load import load_space
from hpo.training.config import TrialConfig
from hpo.training.models.config import ResNet, SimpleCnn, Torchvision, needs_trial


def tried(tmp_path: Path, text: str) -> list[dict[str, Any]]:
    (tmp_path / "space.yaml").write_text(f"data: {{source: digits}}\n{text}")
    space = load_space(str(tmp_path / "space.yaml"), TrialConfig)
    return [config.model.model_dump() for config in models_to_try(space)]


def test_models_that_cannot_fail_are_not_tried(tmp_path: Path) -> None:
    assert tried(tmp_path, "model: {choices: {simple_cnn: {width: {low: 8, high: 64}}, resnet: {}}}") == []
    assert not needs_trial(SimpleCnn())
    assert needs_trial(ResNet(norm="instance"))
    assert needs_trial(SimpleCnn(pretrained="./a.pt"))


def test_every_branch_choice_and_end_is_tried_once(tmp_path: Path) -> None:
    space = """
model:
  choices:
    simple_cnn: {norm: {choices: [batch, instance]}}
    torchvision: {arch: {choices: [resnet18, resnet50]}, dropout: {low: 0.0, high: 0.5}}
    ./net.py:Net: {width: {low: 8, high: 64}}
optimizer: {name: sgd, lr: {low: 0.01, high: 1.0, log: true}}
"""
    found = tried(tmp_path, space)
    assert len(found) == 1 + 3 + 2
    assert [model["norm"] for model in found if model["name"] == "simple_cnn"] == ["instance"]
    pairs = {(model["arch"], model["dropout"]) for model in found if model["name"] == "torchvision"}
    assert pairs == {("resnet18", 0.0), ("resnet18", 0.5), ("resnet50", 0.0)}
    assert {model["width"] for model in found if ".py:" in model["name"]} == {8, 64}
    assert {model["name"] for model in found if ".py:" in model["name"]} == {f"{tmp_path}/net.py:Net"}


def test_a_large_choice_is_tried_in_part(tmp_path: Path) -> None:
    archs = ", ".join(f"net{number}" for number in range(300))
    assert len(tried(tmp_path, f"model: {{name: torchvision, arch: {{choices: [{archs}]}}}}")) <= MAX_MODELS


def test_a_path_of_weights_is_meant_from_the_file_also_as_a_choice(tmp_path: Path) -> None:
    found = tried(tmp_path, "model: {name: torchvision, pretrained: {choices: [false, true, ./w.pt]}}")
    assert [model["pretrained"] for model in found] == [False, True, f"{tmp_path}/w.pt"]
    assert Torchvision.model_validate(found[2]).is_tuned
