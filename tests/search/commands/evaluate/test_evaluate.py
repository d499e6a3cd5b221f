"""`hpo.evaluate` on a real export and a real run."""

import json
from pathlib import Path

import numpy as np
import optuna
import pytest
from hpo.errors import DataError, SpaceError, StudyError, TrainingError
from hpo.search.commands.evaluate.options import EvaluateOptions
from hpo.studies.store.storage import open_storage
from hpo.training.export.manifest import ExportManifest
from optuna_dashboard.artifact._backend import list_trial_artifacts
from PIL import Image
from sklearn.datasets import load_digits

from .conftest import Models

FILES = {"evaluation.json", "evaluation.html", "confusion_matrix.png", "reliability.png", "mistakes.png"}


@pytest.fixture
def new_digits(tmp_path: Path) -> Path:
    """Three classes of digits as a folder of files, and one file that is none."""
    digits, folder = load_digits(), tmp_path / "photos"
    for number in (2, 5, 7):
        (folder / str(number)).mkdir(parents=True)
        for row in np.flatnonzero(digits.target == number)[:12]:
            pixels = np.rint(digits.images[row] * (255 / 16)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / str(number) / f"{row}.png")
    (folder / "5" / "broken.png").write_text("no image")
    return folder


def test_an_export_is_tested_through_the_door_and_it_is_counted(models: Models, tmp_path: Path) -> None:
    before = len(models.openings())
    outcome = models.evaluate("digits", html=tmp_path / "page.html")
    report, manifest = outcome.report, ExportManifest.read(models.export)
    assert len(models.openings()) == report.test_opening == before + 1
    assert models.openings()[-1] == f"evaluate {models.export}"
    assert report.metrics.accuracy == pytest.approx(manifest.metrics.test_accuracy)
    assert report.metrics.interval == manifest.metrics.test_interval
    assert report.metrics.nll_uncalibrated == pytest.approx(manifest.metrics.test_loss, rel=1e-4)
    assert (report.temperature, report.calibrated) == (manifest.temperature, True)
    assert outcome.folder == models.export / "evaluation" / "test"
    assert {path.name for path in outcome.folder.iterdir()} == FILES
    assert json.loads((outcome.folder / "evaluation.json").read_text()) == json.loads(json.dumps(report.to_json()))
    assert (tmp_path / "page.html").read_text() == (outcome.folder / "evaluation.html").read_text()
    wrong = sum(map(sum, report.metrics.confusion_matrix)) - np.trace(report.metrics.confusion_matrix)
    assert len(report.mistakes) == min(wrong, 48)
    assert [m.confidence for m in report.mistakes] == sorted((m.confidence for m in report.mistakes), reverse=True)


def test_the_dashboard_finds_the_files_on_the_trial_once(models: Models) -> None:
    for _ in range(2):
        assert models.evaluate(str(models.export)).unrecorded == ()
    storage = open_storage(models.home.storage_url)
    study = optuna.load_study(study_name="digits", storage=storage)
    trial = study.trials[0]
    found = list_trial_artifacts(storage.get_study_system_attrs(study._study_id), trial.system_attrs, trial)
    found = [meta for meta in found if meta["filename"].startswith("test-")]
    assert sorted(meta["filename"] for meta in found) == sorted(f"test-{name}" for name in FILES)
    for meta in found:
        kept = models.export / "evaluation" / "test" / meta["filename"].removeprefix("test-")
        assert (models.home.attachments / meta["artifact_id"]).read_bytes() == kept.read_bytes()
    kinds = {meta["filename"]: meta["mimetype"] for meta in found}
    assert (kinds["test-mistakes.png"], kinds["test-evaluation.html"]) == ("image/png", "text/html")


def test_a_run_is_validated_unless_the_test_is_asked_for(models: Models) -> None:
    before = models.openings("train")
    outcome = models.evaluate(str(models.run))
    assert (outcome.report.split, outcome.report.test_opening) == ("val", None)
    assert models.openings("train") == before
    assert outcome.folder == models.run / "evaluation" / "val"
    assert models.evaluate(str(models.run), split="test").report.test_opening == len(before) + 1
    assert models.openings("train") == [*before, f"evaluate {models.run}"]


def test_validation_images_tell_nothing_about_an_export(models: Models) -> None:
    before = models.openings()
    with pytest.raises(SpaceError, match="trained on its validation images"):
        models.evaluate("digits", split="val")
    assert models.openings() == before


def test_new_images_are_evaluated_whole_and_matched_by_name(models: Models, new_digits: Path) -> None:
    before = models.openings()
    report = models.evaluate("digits", data=str(new_digits)).report
    assert models.openings() == before
    assert (report.metrics.images, report.split, report.test_opening) == (36, None, None)
    assert [(entry.path, entry.reason) for entry in report.skipped] == [("5/broken.png", "text, not an image")]
    images = {entry.name: entry.images for entry in report.metrics.per_class if entry.images}
    assert images == {"2": 12, "5": 12, "7": 12}
    assert report.metrics.accuracy > 0.6  # most of them it was trained on
    for mistake in report.mistakes:
        assert mistake.name.startswith(f"{mistake.true}/")


def test_the_columns_of_new_images_can_be_named(models: Models, new_digits: Path) -> None:
    (new_digits / "5" / "broken.png").unlink()
    files = sorted(new_digits.rglob("*.png"))
    rows = [f"{path.relative_to(new_digits)};{path.parent.name};x" for path in files]
    (new_digits / "next.csv").write_text("\n".join(["photo;digit;label", *rows]))
    named = ["data.path_column=photo", "data.label_column=digit"]
    report = models.evaluate("digits", data=str(new_digits / "next.csv"), overrides=named).report
    assert {entry.name: entry.images for entry in report.metrics.per_class if entry.images} == {
        "2": 12,
        "5": 12,
        "7": 12,
    }
    with pytest.raises(DataError, match="has no column 'digti'; did you mean digit"):
        models.evaluate("digits", data=str(new_digits / "next.csv"), overrides=[named[0], "data.label_column=digti"])


def test_a_class_that_the_model_does_not_know_is_named(models: Models, new_digits: Path) -> None:
    (new_digits / "7").rename(new_digits / "seven")
    with pytest.raises(DataError, match=r"does not know 'seven'(.|\n)*its 10 classes are '0', '1'"):
        models.evaluate("digits", data=str(new_digits))


def test_images_none_of_which_can_be_read_are_no_evaluation(models: Models, new_digits: Path) -> None:
    for path in new_digits.rglob("*.png"):
        path.write_text("no image")
    with pytest.raises(DataError, match="no image is readable; 2/"):
        models.evaluate("digits", data=str(new_digits))


def test_what_is_no_model_says_what_is_missing(models: Models, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no trained model"):
        models.evaluate(str(tmp_path))
    with pytest.raises(StudyError, match="does not exist"):
        models.evaluate(str(tmp_path / "gone"))
    with pytest.raises(StudyError, match="did you mean digits"):
        models.evaluate("digit")
    optuna.create_study(study_name="young", storage=open_storage(models.home.storage_url))
    with pytest.raises(StudyError, match="hpo retrain-best young"):
        models.evaluate("young")
    with pytest.raises(StudyError, match="holds no studies"):
        models.evaluate("digits", home=tmp_path)


def test_an_export_that_is_evaluated_elsewhere_says_what_it_could_not_record(models: Models, tmp_path: Path) -> None:
    outcome = models.evaluate(str(models.export), home=tmp_path / "other")
    assert outcome.report.metrics.accuracy > 0.5
    (line,) = outcome.unrecorded
    assert "not attached to the trial" in line


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(SpaceError, match="give one of them"):
        EvaluateOptions("m", data="d", split="test")
    with pytest.raises(SpaceError, match="test or val, got 'train'"):
        EvaluateOptions("m", split="train")
    with pytest.raises(SpaceError, match="--set says how a CSV file"):
        EvaluateOptions("m", overrides=["data.label_column=kind"])
