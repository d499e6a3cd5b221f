"""A search for several goals within limits: its front, what breaks a limit, the winner that is picked, a report."""

import json
from typing import Any

import pytest
from hpo.common.fronts import dominates

from .conftest import Shell

pytestmark = pytest.mark.slow

SPACE = """\
objective: [{metric: val_accuracy}, {metric: latency_ms}, {metric: params_m}]
constraints: {params_m: "<= 0.05"}
data: {source: digits, batch_size: 128, max_train: 400}
model: {name: simple_cnn, width: {choices: [4, 8, 16, 32], prior: 8}}
optimizer: {name: sgd, lr: {low: 0.02, high: 0.5, log: true, prior: 0.1}}
budget: {epochs: 5}
"""


def losing(trial: dict[str, Any]) -> list[float]:
    """Its values, more being better."""
    accuracy, *costs = trial["values"]
    return [accuracy, *(-cost for cost in costs)]


def test_a_search_for_several_goals(shell: Shell) -> None:
    (shell.directory / "goals.yaml").write_text(SPACE)
    flags = ("--space", "goals.yaml", "--executor", "inline", "--tracking-uri", "none")
    done = shell.run("run", *flags, "--trials", "9", "--json")
    assert done.code == 0, done.err
    front = done.json["front"]
    assert front
    assert done.json["best"]["number"] in [trial["number"] for trial in front]
    assert not any(dominates(losing(one), losing(other)) for one in front for other in front)
    study = {trial["number"]: trial for trial in shell.run("show", "--json").json["records"]}
    wide = [number for number, trial in study.items() if trial["params"].get("model.width") == 32]
    assert done.json["failures"].get("breaks params_m", []) == wide
    again = shell.run("run", *flags, "--trials", "11", "--json")
    assert again.code == 0, again.err
    assert sum(again.json["trials"].values()) == 11
    fastest = min(again.json["front"], key=lambda trial: trial["values"][1])
    best = shell.run("retrain-best", "--pick", "latency_ms", "--tracking-uri", "none", "--json")
    assert best.code == 0, best.err
    manifest = json.loads((shell.directory / "runs/goals/export/manifest.json").read_text())
    assert fastest["number"] == manifest["trial"]
    assert [each["metric"] for each in manifest["config"]["objective"]["also"]] == ["onnx_latency_ms", "params_m"]
    report = shell.run("report", "--out", "goals.html")
    assert report.code == 0, report.err
    page = (shell.directory / "goals.html").read_text()
    assert "The front" in page
    assert "onnx_latency_ms" in page
    refused = shell.run("retrain-best", "--pick", "speed").refused()
    assert "--pick must be knee, a metric of the study or a trial's number, got 'speed'" in refused
    assert "has 3 objectives, and a race is run for one" in shell.run("retrain-best", "--candidates", "2").refused()


@pytest.mark.parametrize(
    ("flags", "law"),
    [
        (("--pruner", "median"), "pruner median: it compares trials by one objective"),
        (("--sampler", "cmaes"), "sampler cmaes takes one objective, got 3"),
        (("--until-converged",), "--until-converged follows one objective, got 3"),
        (("--set", "constraints.params_m=7"), 'must be a limit such as "<= 5", got 7'),
    ],
)
def test_what_does_not_go_with_several_objectives(shell: Shell, flags: tuple[str, ...], law: str) -> None:
    (shell.directory / "goals.yaml").write_text(SPACE)
    assert law in shell.run("run", "--space", "goals.yaml", "--trials", "3", *flags).refused()
