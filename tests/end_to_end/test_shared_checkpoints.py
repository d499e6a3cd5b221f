"""A study whose machines share a database and a folder or bucket: what one has begun the next one finishes."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from hpo.studies import attributes
from hpo.studies.store.storage import open_storage
from optuna.trial import FrozenTrial, TrialState

from ..servers import S3_SECRET, Server
from .conftest import Shell, finish

Wait = Callable[..., None]

pytestmark = pytest.mark.slow

NET = """\
import torch

class Net(torch.nn.Module):
    def __init__(self, num_classes, in_channels, image_size):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(num_classes))

    def forward(self, images):
        return self.layers(images)
"""
SLOW_NET = "import time\n\n" + NET.replace("return", "time.sleep(0.05)\n        return")
"""An epoch takes a second with it, so that files are shared before the trial is over on any machine."""


def trials_of(url: str) -> list[FrozenTrial]:
    storage = open_storage(url)
    studies = {study.study_name: study._study_id for study in storage.get_all_studies()}
    return storage.get_all_trials(studies["simple_cnn"]) if "simple_cnn" in studies else []


@pytest.fixture(params=["folder", "s3"])
def location(request: pytest.FixtureRequest, shell: Shell) -> str:
    return str(shell.directory / "shared") if request.param == "folder" else str(request.getfixturevalue("s3"))


def test_a_killed_machines_trial_goes_on_on_another_from_its_epoch(
    shell: Shell, postgres: Server, location: str, wait_until: Wait
) -> None:
    url = postgres.database()
    (shell.directory / "net.py").write_text(SLOW_NET)
    slow = ("--set", "model={name: ./net.py:Net}", "--set", "data.batch_size=64")
    shared = ("--storage", url, "--checkpoint-dir", location, "--workers", "1", *slow)
    first = shell.start(*shell.search_command(*shared, "--home", "a", trials=1, epochs=8))

    def shared_epoch() -> int:
        (trial,) = trials_of(url) or [None]
        return 0 if trial is None else (trial.user_attrs.get(attributes.CHECKPOINT) or {}).get("epoch", 0)

    wait_until(lambda: shared_epoch() >= 2, "two epochs shared")
    first.send_signal(signal.SIGKILL)
    finish(first)
    reported = len(trials_of(url)[0].intermediate_values)
    kept = shared_epoch()
    assert 2 <= kept <= reported < 8  # what passed while a checkpoint was on its way is trained again
    done = shell.run(*shell.search_command(*shared, "--home", "b", "--json", trials=1, epochs=8))
    assert done.code == 0, done.err
    (trial,) = trials_of(url)
    assert trial.state is TrialState.COMPLETE
    assert trial.user_attrs[attributes.GENERATION] == 2
    assert sorted(trial.intermediate_values) == [*range(1, 9)]
    assert "began anew" not in done.err
    history = json.loads((shell.directory / "b/simple_cnn/trials/0/result.json").read_text())["history"]
    before, after = (
        json.loads((shell.directory / home / "simple_cnn/trials/0/config.json").read_text()) for home in ("a", "b")
    )
    assert [report["epoch"] for report in history] == [*range(1, 9)]
    assert before.pop("model")["name"].replace("/a/", "/b/") == after.pop("model")["name"]
    assert before == after
    files = [file.read_bytes() for file in shell.directory.rglob("*") if file.is_file()]
    assert not any(S3_SECRET.encode() in content for content in files)
    assert S3_SECRET not in done.out + done.err


def test_an_empty_home_has_all_that_a_winner_is_retrained_with(shell: Shell, postgres: Server, location: str) -> None:
    url = postgres.database()
    (shell.directory / "net.py").write_text(NET)
    model = ("--set", "model={name: ./net.py:Net}")
    done = shell.search("--storage", url, "--home", "a", "--checkpoint-dir", location, *model, trials=2)
    assert done.code == 0, done.err
    (shell.directory / "net.py").unlink()
    retrain = ("retrain-best", "--storage", url, "--home", "b", "--tracking-uri", "none", "--json")
    best = shell.run(*retrain)  # this account has run the file before, and the study knows where it is
    assert best.code == 0, best.err
    assert "fetched" in best.err
    assert best.json["temperature"] != 1.0  # fitted with the trial's own weights
    files = {str(path.relative_to(shell.directory / "b/simple_cnn")) for path in (shell.directory / "b").rglob("*")
             if path.is_relative_to(shell.directory / "b/simple_cnn")}  # fmt: skip
    assert {"space.yaml", "study.json", f"trials/{best.json['trial']}/best.ckpt"} <= files
    exported = shell.run("export-study", "--storage", url, "--home", "c")
    assert exported.code == 0, exported.err
    brought = shell.run("import-study", "simple_cnn.study.zip", "--home", "d")
    assert brought.code == 0, brought.err
    assert list((shell.directory / "d/simple_cnn/trials").rglob("best.ckpt"))
    study = optuna.load_study(study_name="simple_cnn", storage=f"sqlite:///{shell.directory}/d/studies.db")
    assert attributes.SHARED_FILES not in study.user_attrs
    assert not any(attributes.CHECKPOINT in trial.user_attrs for trial in study.get_trials())


def test_a_model_that_is_fetched_is_not_run_by_whoever_has_not_named_it(
    shell: Shell, postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, location = postgres.database(), str(tmp_path / "shared")
    (shell.directory / "net.py").write_text(NET)
    model = ("--set", "model={name: ./net.py:Net}")
    done = shell.search("--storage", url, "--home", "a", "--checkpoint-dir", location, *model, trials=1)
    assert done.code == 0, done.err
    (shell.directory / "net.py").unlink()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another account"))
    retrain = ("retrain-best", "--storage", url, "--home", "b", "--tracking-uri", "none")
    assert "not run, since you have not named this file" in shell.run(*retrain).refused()
    assert shell.run(*retrain, "--trust").code == 0


def test_a_place_that_is_not_the_studys_is_refused_before_anything_is_made(
    shell: Shell, postgres: Server, tmp_path: Path
) -> None:
    url = postgres.database()
    first = ("--storage", url, "--checkpoint-dir", str(tmp_path / "shared"))
    assert shell.search(*first, "--home", "a", trials=1, epochs=1).code == 0
    other = shell.search(
        "--storage", url, "--checkpoint-dir", str(tmp_path / "other"), "--home", "b", trials=2, epochs=1
    )
    assert f"shares files in {tmp_path}/shared, which {tmp_path}/other is not" in other.refused()
    assert not (tmp_path / "b" / "cache").exists()
    unsaid = shell.search("--storage", url, "--home", "b", trials=2, epochs=1)
    assert f"--checkpoint-dir {tmp_path}/shared goes on so" in unsaid.refused()
    without = shell.search("--storage", url, "--home", "b", "--checkpoint-dir", "none", trials=2, epochs=1)
    assert without.code == 0
    assert "trials that come from other machines begin anew" in without.err
