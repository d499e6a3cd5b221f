"""What somebody else made, by whole commands: the refusal is short, and ends with the line that would allow it."""

import json

import optuna
import pytest
from hpo.studies.store.storage import open_storage

from .conftest import Shell


def test_a_study_of_somebody_else_runs_nothing(shell: Shell) -> None:
    mark, folder = shell.directory / "mark", shell.directory / "theirs"
    folder.mkdir()
    (folder / "net.py").write_text(f"open({str(mark)!r}, 'w').write('ran')\n")
    config = {"data": {"source": "digits"}, "model": {"name": "theirs/net.py:Net"}, "optimizer": {"name": "adamw"}}
    study = optuna.create_study(study_name="digits", storage=open_storage(f"sqlite:///{folder}/studies.db"))
    noted = {"config": json.dumps(config), "status": "finished", "best_epoch": 1}
    study.add_trial(optuna.trial.create_trial(value=0.9, user_attrs=noted, intermediate_values={1: 0.9}))
    done = shell.run("retrain-best", "--home", "theirs", "--tracking-uri", "none")
    first, second = done.refused().splitlines()
    assert first == "error: model theirs/net.py:Net: not run, since you have not named this file to hpo as it is now"
    assert second.endswith("hpo retrain-best --home theirs --tracking-uri none --trust")
    assert not mark.exists()


@pytest.mark.slow
def test_ones_own_model_and_export_are_used_without_a_question(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """As before there was a record; on another account the same export is data, and the same home asks."""
    monkeypatch.setenv("XDG_STATE_HOME", str(shell.directory / "state"))
    (shell.directory / "net.py").write_text(
        "from torch import nn\ndef Net(num_classes, in_channels):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))\n"
    )
    (shell.directory / "mine.yaml").write_text(
        "data: {source: digits}\nmodel: {name: ./net.py:Net}\nbudget: {epochs: 1}\n"
    )
    common = ("--tracking-uri", "none")
    assert shell.run("run", "--space", "mine.yaml", "--trials", "1", *common).code == 0
    made = shell.run("retrain-best", "--formats", "safetensors,torchscript", *common)
    assert made.code == 0, made.err
    checked = shell.run("infer-check", "runs/mine/export")
    assert checked.code == 0, checked.err + checked.out
    monkeypatch.setenv("XDG_STATE_HOME", str(shell.directory / "other"))
    refused = shell.run("infer-check", "runs/mine/export", "--json")
    assert refused.code == 2
    holds = {name: (one["holds"], one["refused"]) for name, one in refused.json["formats"].items()}
    told = dict.fromkeys(("pt2", "safetensors", "torchscript"), (False, True))
    assert holds == {"onnx": (True, False), **told}
    assert "infer-check runs/mine/export --json --trust" in refused.refused()
    assert shell.run("retrain-best", *common).code == 2
