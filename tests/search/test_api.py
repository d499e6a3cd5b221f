"""`hpo.run` in a script or a notebook: a search in the caller's own process."""

import dataclasses
import inspect
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import hpo
import pytest
from hpo.errors import SpaceError, StudyError
from hpo.studies.home import Home
from hpo.training.saved_config import read_saved

from ..warm.client import run

pytestmark = pytest.mark.usefixtures("warm_children")

SMALL = ("model.width=8", "data.batch_size=128")


def options(home: Path, **changes: object) -> "hpo.RunOptions":
    given = {"space": "simple_cnn", "data": "digits", "epochs": 1, "overrides": SMALL, "executor": "inline"}
    return hpo.RunOptions(**{**given, "home": home, "tracking_uri": "none", "device": "cpu", "trials": 2, **changes})  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_search_from_python(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    result = hpo.run(options(tmp_path / "runs"))
    assert result.outcome == "done"
    assert result.study.best is not None
    assert result.study.counts["complete"] + result.study.counts["pruned"] == 2
    assert result.to_json()["best"]["number"] == result.study.best.number
    shown = capfd.readouterr()
    assert shown.out == ""
    assert [line.split()[:2] for line in shown.err.splitlines() if line.startswith("trial")] == [
        ["trial", "0"],
        ["trial", "1"],
    ]
    more = hpo.run(options(tmp_path / "runs", trials=3))
    assert len(more.study.trials) == 3


@pytest.mark.slow
def test_a_study_of_an_older_version_goes_on_with_the_best_epoch(tmp_path: Path) -> None:
    """It did not say which epoch counts, since there was no other; neither does its space."""
    home = Home(tmp_path / "runs")
    assert hpo.run(options(home.root, trials=1)).study.at == "the last epoch"
    with closing(sqlite3.connect(home.storage_file)) as store, store:
        store.execute("DELETE FROM study_user_attributes WHERE key = 'objective_at'")
    study = hpo.run(options(home.root, trials=2)).study
    assert study.at == "the best epoch"
    assert read_saved(study.trials[1].config).objective.at == "best"


def test_a_finished_study_sends_what_mlflow_lacks(
    tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.search.commands.run.run.DRAIN_S", 0.1)
    monkeypatch.setattr("hpo.studies.tracking.mlflow_tracker.PENDING_S", 0.1)
    home = Home(tmp_path / "runs")
    nowhere = options(home.root, trials=1, tracking_uri="http://127.0.0.1:9")
    lacking = hpo.run(nowhere).unsent
    assert lacking > 0
    assert hpo.run(nowhere).unsent == lacking  # finished already, and no less true
    monkeypatch.undo()
    shutil.copy(migrated, home.root / "mlflow.db")
    assert hpo.run(options(home.root, trials=1, tracking_uri=home.tracking_uri)).unsent == 0
    with closing(sqlite3.connect(home.root / "mlflow.db")) as store:
        assert sorted(store.execute("SELECT name FROM runs").fetchall()) == [("simple_cnn",), ("trial-0000",)]


@pytest.mark.slow
def test_a_model_that_is_edited_under_a_study(tmp_path: Path) -> None:
    """The study keeps what it began with: a change is refused, and accepted for new trials alone."""
    net, home = tmp_path / "net.py", tmp_path / "runs"
    net.write_text(
        "from torch import nn\nfrom blocks import body\n"
        "def Net(num_classes, in_channels):\n    return nn.Sequential(*body(), nn.Linear(64, num_classes))\n"
    )
    (tmp_path / "blocks.py").write_text("from torch import nn\ndef body():\n    return [nn.Flatten()]\n")
    (tmp_path / "mine.yaml").write_text("data: {source: digits}\nmodel: {name: ./net.py:Net}\nbudget: {epochs: 1}\n")
    mine = {"space": str(tmp_path / "mine.yaml"), "overrides": (), "skip_export_check": True}
    hpo.run(options(home, trials=1, **mine))
    (tmp_path / "blocks.py").write_text(
        "from torch import nn\ndef body():\n    return [nn.Flatten(), nn.Dropout(0.98)]\n"
    )
    with pytest.raises(StudyError, match=r"another space\n  model .*net\.py:Net: (?s:.*)--accept-space-change"):
        hpo.run(options(home, trials=2, **mine))
    result = hpo.run(options(home, trials=2, accept_space_change=True, **mine))
    first, second = result.study.trials
    assert first.model_source != second.model_source
    assert sorted(path.name for path in (home / "mine" / "models").iterdir()) == sorted(
        trial.model_source for trial in (first, second)
    )
    net.unlink()
    winner = hpo.retrain_best(hpo.RetrainOptions(home=home, trial=0, device="cpu", tracking_uri="none"))
    assert first.model_source in winner.manifest.config.model.name
    assert winner.manifest.metrics.test_accuracy > 0.5


def test_a_search_by_keywords(tmp_path: Path) -> None:
    """As the README has it; folders may be texts, and one text a list of one."""
    result = hpo.run(
        space="simple_cnn", trials=1, data="digits", epochs=1, overrides="model.width=8", executor="inline",
        home=str(tmp_path / "runs"), tracking_uri="none", device="cpu",
    )  # fmt: skip
    assert len(result.study.trials) == 1
    assert (tmp_path / "runs" / "simple_cnn" / "study.json").exists()
    with pytest.raises(SpaceError, match="--trials must be at least 1, got 0"):
        hpo.run("simple_cnn", 0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'trails'"):
        hpo.run(space="simple_cnn", trails=1)


WRONG: dict[str, dict[str, Any]] = {
    "run": {"space": "no_such", "trials": 1},
    "plan": {"space": "no_such", "trials": 1},
    "estimate": {"space": "no_such", "trials": 1},
    "train": {"space": "no_such"},
    "extend": {"top": 1},
    "replay": {"trial": "no_such/0"},
    "report": {},  # a home without a study
    "compare": {"first": "one", "second": "other"},
    "retrain_best": {},
    "suggest_space": {},
    "evaluate": {"model": "no_such"},
    "export": {"model": "no_such"},
    "diagnose": {"space": "no_such"},
}


@pytest.mark.parametrize("name", WRONG)
def test_every_function_of_options_shows_and_takes_their_fields(name: str, tmp_path: Path) -> None:
    function, what = getattr(hpo, name), WRONG[name]
    kind = hpo.RunOptions if name == "plan" else getattr(hpo, f"{name.split('_')[0].capitalize()}Options")
    assert list(inspect.signature(function).parameters) == [field.name for field in dataclasses.fields(kind)]
    for call in (lambda: function(**what, home=str(tmp_path)), lambda: function(kind(**what, home=tmp_path))):
        with pytest.raises(hpo.HpoError):
            call()


def test_text_stands_for_a_path_and_a_path_for_text(tmp_path: Path) -> None:
    assert hpo.RunOptions("s", 1, home=str(tmp_path)) == hpo.RunOptions("s", 1, home=tmp_path)
    assert hpo.RunOptions(tmp_path / "s.yaml", 1, data=tmp_path).data == str(tmp_path)
    assert hpo.RetrainOptions(formats="onnx-fp16", out="export").formats == ("onnx-fp16",)
    assert hpo.PredictOptions(tmp_path).model == str(tmp_path)


@pytest.mark.slow
def test_the_winner_from_python(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hpo.run(options(tmp_path / "runs", trials=1))
    result = hpo.retrain_best(hpo.RetrainOptions(home=tmp_path / "runs", device="cpu", tracking_uri="none"))
    assert (result.export_dir / "model.onnx").exists()
    assert 0 <= result.manifest.metrics.test_accuracy <= 1
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "epoch 1/1" in shown.err


def test_what_is_wrong_is_an_exception_with_the_commands_words(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="did you mean simple_cnn"):
        hpo.run(options(tmp_path / "runs", space="simple_cn"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_worker_processes_need_no_main_guard(tmp_path: Path) -> None:
    """A script without `if __name__ == "__main__"` and a notebook must not start themselves again in every worker."""
    script = tmp_path / "search.py"
    script.write_text(
        "import hpo\n"
        "print('begun')\n"
        "result = hpo.run(hpo.RunOptions('simple_cnn', 2, data='digits', epochs=1, workers=2, tracking_uri='none',\n"
        f"                                overrides={SMALL!r}))\n"
        "print(len(result.study.trials))\n"
    )
    done = run([script], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "begun\n2\n"


def test_a_look_at_data_from_python(capfd: pytest.CaptureFixture[str]) -> None:
    found = hpo.inspect_data("digits", ["data.val_fraction=0.2"])
    assert {split: len(rows) for split, rows in found.rows.items()} == {"train": 1258, "val": 359, "test": 180}
    assert capfd.readouterr().out == ""
    with pytest.raises(SpaceError, match="did you mean val_fraction"):
        hpo.inspect_data("digits", ["data.val_fracton=0.2"])
