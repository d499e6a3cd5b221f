"""`hpo.run` in a script or a notebook: a search in the caller's own process."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import hpo
import pytest
from hpo.errors import SpaceError
from hpo.studies.home import Home

SMALL = ("model.width=8", "data.batch_size=128")


def options(home: Path, **changes: object) -> "hpo.RunOptions":
    given = {"space": "simple_cnn", "data": "digits", "epochs": 1, "overrides": SMALL, "executor": "inline"}
    return hpo.RunOptions(**{**given, "home": home, "tracking_uri": "none", "device": "cpu", "trials": 2, **changes})  # type: ignore[arg-type]


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


def test_a_finished_study_sends_what_mlflow_lacks(
    tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.search.run.DRAIN_S", 0.1)
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
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "begun\n2\n"


def test_a_look_at_data_from_python(capfd: pytest.CaptureFixture[str]) -> None:
    found = hpo.inspect_data("digits", ["data.val_fraction=0.2"])
    assert {split: len(rows) for split, rows in found.rows.items()} == {"train": 1258, "val": 359, "test": 180}
    assert capfd.readouterr().out == ""
    with pytest.raises(SpaceError, match="did you mean val_fraction"):
        hpo.inspect_data("digits", ["data.val_fracton=0.2"])
