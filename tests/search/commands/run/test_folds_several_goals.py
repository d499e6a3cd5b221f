"""Folds where there are several objectives: each is the mean over folds, and fronts decide who goes on."""

from pathlib import Path

import pytest
from hpo.search.api import run

FOLDS = 3
SPACE = f"""\
objective: [{{metric: val_accuracy}}, {{metric: val_loss}}, {{metric: params_m}}]
data: {{source: digits, batch_size: 16, max_train: 60, folds: {FOLDS}}}
model: {{name: simple_cnn, width: {{choices: [4, 8, 16], prior: 4}}}}
optimizer: {{name: adamw, lr: {{low: 0.001, high: 0.02, log: true, prior: 0.005}}}}
budget: {{epochs: 1}}
"""


@pytest.mark.usefixtures("warm_children")
def test_each_objective_is_the_mean_over_folds(tmp_path: Path) -> None:
    (tmp_path / "goals.yaml").write_text(SPACE)
    asked = {"space": str(tmp_path / "goals.yaml"), "executor": "inline", "tracking_uri": "none", "device": "cpu"}
    study = run(**asked, trials=8, home=tmp_path / "runs").study
    assert study.metric == "val_accuracy"
    assert {trial.state for trial in study.trials} == {"complete", "pruned"}
    assert study.front
    params_of = {trial.params["model.width"]: trial.values[2] for trial in study.trials}
    for trial in study.front:
        accuracy, loss, params_m = trial.values
        assert len(trial.curve) == FOLDS
        assert accuracy == pytest.approx(trial.metrics["val_accuracy"])
        assert loss == pytest.approx(trial.metrics["val_loss"])
        assert params_m == params_of[trial.params["model.width"]]
