"""`hpo export` and `hpo infer-check` on a winner and on a run, with real files."""

import json
import shutil
from pathlib import Path

import pytest
from hpo.errors import ExportError, SpaceError, StudyError
from hpo.search.api import infer_check
from hpo.search.commands.export.export import ExportOutcome, export
from hpo.search.commands.export.options import ExportOptions
from hpo.search.progress.single import PlainWatcher
from hpo.training.export.manifest import ExportManifest, describe_files

from .conftest import Models


def exported(models: Models, model: str, out: Path, *formats: str) -> ExportOutcome:
    options = ExportOptions(model, formats, out, home=models.home.root, tracking_uri="none")
    return export(options, PlainWatcher())


@pytest.mark.slow
def test_a_study_is_brought_into_further_formats_in_one_opening(models: Models, tmp_path: Path) -> None:
    before, looks = ExportManifest.read(models.export), len(models.openings())
    out = tmp_path / "phone"
    first = exported(models, "digits", out, "onnx-int8,onnx-fp16").manifest
    assert set(first.formats) == {"onnx", "pt2", "onnx-int8", "onnx-fp16"}
    assert len(models.openings()) == looks + 1
    assert (first.metrics, first.model_version) == (before.metrics, before.model_version)
    assert ExportManifest.read(out) == first
    first.check_files(out)

    again = exported(models, str(out), out, "onnx-int8").manifest  # in place: what was there stays, nothing is opened
    assert set(again.formats) == set(first.formats)
    assert len(models.openings()) == looks + 1
    assert again.formats["onnx-int8"].test_accuracy == first.formats["onnx-int8"].test_accuracy

    found = infer_check(out)
    assert found.holds, found.to_json()
    assert json.loads(json.dumps(found.to_json()))["formats"].keys() == first.formats.keys()
    for check in found.formats:
        assert check.answer is not None
        assert check.answer["torch"] == check.needs_torch == (check.name == "pt2")

    shutil.copyfile(out / "model.fp16.onnx", out / "model.int8.onnx")
    (out / "model.fp16.onnx").write_bytes(b"no model")
    with pytest.raises(ExportError, match=r"is not the file that manifest\.json describes"):
        infer_check(out)
    again.model_copy(update={"files": dict(describe_files(out))}).write(out)  # as described: the answers tell
    broken = {check.name: check for check in infer_check(out, trust=True).formats}
    assert not broken["onnx-fp16"].holds
    assert broken["onnx-fp16"].error
    assert broken["onnx"].holds


def test_a_run_becomes_an_export(models: Models, tmp_path: Path) -> None:
    outcome = exported(models, str(models.run), tmp_path / "out", "safetensors")
    manifest = outcome.manifest
    assert manifest.trial is None
    assert set(manifest.formats) == {"onnx", "pt2", "safetensors"}
    assert manifest.training.fit_on == "train"
    assert any("export" in reason for reason in models.openings("train"))
    json.dumps(outcome.to_json(), allow_nan=False)


def test_what_is_not_there_or_not_known_is_refused(models: Models, tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="did you mean onnx-int8"):
        exported(models, "digits", tmp_path / "out", "onnx-in8")
    with pytest.raises(StudyError, match="did you mean digits"):
        exported(models, "digit", tmp_path / "out")
    with pytest.raises(ExportError, match="cannot be read"):
        infer_check(tmp_path)
    assert not (tmp_path / "out").exists()
