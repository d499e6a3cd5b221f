"""The verdict on a trial, from the worker to the store, to MLflow and to `hpo show`."""

import json
import os

import pytest
from hpo.search.commands.run.options import RunOptions
from hpo.search.commands.run.prepare import Watcher
from hpo.search.commands.run.run import RunResult, run
from hpo.search.progress.base import NoProgress
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.records.summarise import summarise
from hpo.studies.store.storage import open_storage
from hpo.studies.tracking.mlflow.spool import read_events, spool_path

from ...warm.client import run as run_warm
from ...warm.start import HPO

SETS = ("model.width=4", "data.batch_size=128", "optimizer={name: sgd, lr: {choices: [0.05, 50.0], prior: 50.0}}")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a study of one trial that explodes, tracked by spools alone: the MLflow it names does not answer."""
    root = tmp_path_factory.mktemp("home")
    options = RunOptions(
        "simple_cnn", 1, data="digits", overrides=SETS, epochs=3, executor="inline", home=root,
        tracking_uri="http://127.0.0.1:9",
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hpo.search.commands.run.run.DRAIN_S", 0.1)  # nothing is to arrive
        result = run(options, Watcher(lambda *_: None, lambda *_: NoProgress(), lambda _: None))
    assert isinstance(result, RunResult)
    return Home.locate(root)


def test_it_is_on_the_trial(home: Home) -> None:
    storage = open_storage(home.storage_url)
    summary = summarise(storage, "simple_cnn")
    (trial,) = summary.trials
    assert trial.verdict["kind"] == "exploding"
    assert "the training loss reached" in trial.verdict["evidence"]
    assert {"key": "optimizer.lr", "value": 5.0, "low": 0.05, "high": 5.0} in trial.verdict["settings"]
    noted = storage.get_trial(storage.get_trial_id_from_study_id_trial_number(1, 0)).user_attrs
    assert noted[attributes.VERDICT] == trial.verdict
    assert summary.to_json()["verdicts"] == {"exploding": [0]}


def test_it_is_on_its_way_to_mlflow(home: Home) -> None:
    events, _ = read_events(spool_path(home, "simple_cnn", 0), 0)
    tags = events[-1].facts["tags"]
    assert tags["verdict"] == "exploding"
    assert "the training loss reached" in tags["verdict_evidence"]


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_it_is_shown(home: Home) -> None:
    def show(*arguments: str) -> str:
        environment = {**os.environ, "COLUMNS": "200"}
        command = [HPO, "show", "simple_cnn", "--home", str(home.root), *arguments]
        done = run_warm(command, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    table = show().splitlines()
    assert any("epochs" in line and "verdict" in line for line in table)
    assert any("exploding" in line and "lr=50" in line for line in table)
    trial = show("--trial", "0")
    assert "exploding: the training loss reached" in trial
    assert "what to try" in trial
    command = next(line for line in trial.splitlines() if "--set" in line)
    assert "hpo train --trial simple_cnn/0" in command
    assert "--set optimizer.lr=5.0 --set optimizer.max_grad_norm=1.0" in command
    assert "hpo diagnose --trial simple_cnn/0" in trial
    assert json.loads(show("--trial", "0", "--json"))["verdict"]["kind"] == "exploding"
