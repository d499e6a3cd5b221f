"""A trial again from its record: the same, or how far from it and since what has changed."""

import json
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.common.cores import available_cores
from hpo.errors import SpaceError, StudyError, TrustError
from hpo.search.api import run
from hpo.search.commands.replay.options import ReplayOptions
from hpo.search.commands.replay.replay import Replay, replay
from hpo.studies import attributes
from hpo.training.machine import device
from hpo.training.report import EpochReport

from ..notes import Notes

SMALL = ("model.width=4", "data.batch_size=128", "model.dropout=0.5", "augment.flip=true")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of six trials, some of them pruned."""
    home = tmp_path_factory.mktemp("replay") / "runs"
    run(
        space="simple_cnn", data="digits", overrides=SMALL, trials=6, epochs=4, executor="inline", tracking_uri="none",
        pruner="percentile:10", home=home,
    )  # fmt: skip
    return home


def again(home: Path, trial: str, notes: Notes | None = None, **options: Any) -> Replay:
    return replay(ReplayOptions(trial, home=home, device="cpu", **options), notes or Notes())


def trials_of(home: Path) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="simple_cnn", storage=f"sqlite:///{home}/studies.db").get_trials()


def test_every_trial_is_the_same_to_the_last_digit_as_far_as_it_came(home: Path) -> None:
    trials = trials_of(home)
    assert {trial.state.name for trial in trials} == {"COMPLETE", "PRUNED"}
    for trial in trials:
        replayed = again(home, f"simple_cnn/{trial.number}")
        assert replayed.before == replayed.after == trial.intermediate_values
        assert (replayed.same, replayed.largest, replayed.status) == (True, (0.0, 1), "finished")
        assert replayed.differences == ()
    assert not list(home.glob(".replay-*"))


def test_it_has_as_many_threads_as_the_studys_workers_had(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home / "simple_cnn" / "study.json"
    noted = file.read_text()
    asked: list[int] = []
    choose = device.choose_device
    monkeypatch.setattr(device, "choose_device", lambda wish, cores: (asked.append(cores), choose(wish, 1))[1])
    for threads in (3, "many", 0):
        file.write_text(json.dumps({**json.loads(noted), "threads": threads}))
        again(home, "simple_cnn/0")
    file.write_text(noted)
    assert asked == [3, available_cores(), available_cores()]


def test_its_folder_is_kept_where_it_is_named(home: Path, tmp_path: Path) -> None:
    again(home, "simple_cnn/0", out=tmp_path / "kept")
    assert {"config.json", "result.json", "last.ckpt"} <= {path.name for path in (tmp_path / "kept").iterdir()}
    with pytest.raises(SpaceError, match=r"--out must be new, but .*kept is there already"):
        again(home, "simple_cnn/0", out=tmp_path / "kept")


def test_what_is_not_the_same_is_told_with_what_has_changed(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "runs"
    shutil.copytree(home, other)
    file = other / "simple_cnn" / "study.json"
    noted = json.loads(file.read_text())
    file.write_text(json.dumps({**noted, "device": "cuda", "versions": {**noted["versions"], "torch": "0.4.1"}}))
    config = json.loads(trials_of(other)[0].user_attrs[attributes.CONFIG])
    _rewrite(other, {**config, "seed": 7})
    replayed = again(other, "simple_cnn/0")
    assert not replayed.same
    assert replayed.largest is not None
    assert replayed.largest[0] == max(abs(replayed.after[epoch] - replayed.before[epoch]) for epoch in replayed.before)
    assert replayed.differences == (f"torch 0.4.1 -> {noted['versions']['torch']}", "cuda -> cpu")
    assert json.loads(json.dumps(replayed.to_json()))["largest_difference"] == replayed.largest[0]


def _rewrite(home: Path, config: dict[str, Any]) -> None:
    """Another configuration on record for trial 0; a trial that has ended cannot be written to by Optuna."""
    with closing(sqlite3.connect(home / "studies.db")) as connection, connection:
        connection.execute(
            "UPDATE trial_user_attributes SET value_json = ? WHERE key = ? AND trial_id ="
            " (SELECT trial_id FROM trials WHERE number = 0)",
            (json.dumps(json.dumps(config)), attributes.CONFIG),
        )


def test_ctrl_c_leaves_nothing(home: Path) -> None:
    class Interrupting(Notes):
        def epoch(self, report: EpochReport) -> None:
            super().epoch(report)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        again(home, "simple_cnn/0", Interrupting())
    assert not list(home.glob(".replay-*"))


def test_what_cannot_be_replayed_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="the trial must be STUDY/N, such as resnet/12, got 'simple_cnn'"):
        ReplayOptions("simple_cnn")
    with pytest.raises(StudyError, match="has trials 0 to 5, got 6"):
        again(home, "simple_cnn/6")
    study = optuna.create_study(study_name="foreign", storage=f"sqlite:///{home}/studies.db")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(StudyError, match="was not run by hpo"):
        again(home, "foreign/0")


@pytest.mark.slow
@pytest.mark.usefixtures("warm_children")
def test_a_model_of_ones_own_is_run_where_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "net.py").write_text(
        "import torch\ndef net(num_classes, in_channels, image_size):\n"
        "    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(num_classes))\n"
    )
    home, own = tmp_path / "runs", f"model={{name: {tmp_path}/net.py:net}}"
    run(
        space="simple_cnn", data="digits", overrides=(own,), trials=1, epochs=1, executor="inline", tracking_uri="none",
        home=home,
    )  # fmt: skip
    (tmp_path / "net.py").unlink()
    assert again(home, "simple_cnn/0").same
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another account"))
    with pytest.raises(TrustError):
        again(home, "simple_cnn/0")
    assert again(home, "simple_cnn/0", trust=True).same
