import json
import subprocess
import sys
from pathlib import Path

import pytest
from hpo.errors import StudyError
from hpo.studies import files
from hpo.studies.home import Home


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    files.write_json(path, {"seed": 1})
    with pytest.raises(TypeError):
        files.write_json(path, {"seed": object()})
    with pytest.raises(UnicodeEncodeError):
        files.write_text(path, "\ud800")
    assert json.loads(path.read_text()) == {"seed": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match=r"file/below/study\.json: cannot be written"):
        files.write_text(tmp_path / "file" / "below" / "study.json", "x")
    (tmp_path / "taken").mkdir()
    with pytest.raises(StudyError, match="taken: cannot be written"):
        files.write_text(tmp_path / "taken", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]


def test_how_a_study_was_run_is_kept(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    note = files.write_study_files(
        home, "digits", space="model: {}\n", seed=7, data_fingerprint="abc", device="cpu", command="hpo run"
    )
    assert (home.study("digits") / "space.yaml").read_text() == "model: {}\n"
    assert json.loads((home.study("digits") / "study.json").read_text()) == note
    assert (note["seed"], note["data_fingerprint"], note["git"]) == (7, "abc", None)
    assert {"python", "torch", "optuna", "mlflow"} <= note["versions"].keys()


def test_the_light_parts_import_neither_torch_nor_mlflow() -> None:
    modules = [
        "store.storage",
        "records.summarise",
        "files",
        "pages.ui",
        "tracking.mlflow_tracker",
        "tracking.mlflow.model_registry",
    ]
    imports = "; ".join(f"import hpo.studies.{name}" for name in modules)
    check = f"import sys; {imports}; assert not {{'torch', 'mlflow', 'onnx'}} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", check], check=True)
