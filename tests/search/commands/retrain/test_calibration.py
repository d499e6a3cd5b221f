"""The temperature of an export comes from weights that have not seen the validation images."""

import json
from pathlib import Path

import onnx
import pytest
from hpo.training.data.pack import Pack
from hpo.training.evaluation.held_out import fit_calibration
from hpo.training.train import train
from hpo.training.trained.folder import Trained
from hpo.training.trained.model import open_trained

from .conftest import Book, Retrain


@pytest.mark.slow
def test_it_is_fitted_with_the_trial_and_kept_with_the_model(book: Book, retrain: Retrain, digits_pack: Path) -> None:
    config = book.add(0.9)
    trial = book.home.trial("digits", 0)
    list(train(config, pack=digits_pack, directory=trial, device="cpu"))
    result, notes = retrain()
    wanted = fit_calibration(trial, config, Pack.open(digits_pack), epoch=2, device="cpu", name="trial 0")
    assert wanted is not None
    assert result.manifest.calibration == wanted
    assert wanted.weights == "trial 0, epoch 2"
    assert result.manifest.temperature == wanted.temperature == result.to_json()["temperature"]
    assert any(note.startswith(f"temperature {wanted.temperature:.2f}, fitted on") for note in notes.notes)
    told = {prop.key: prop.value for prop in onnx.load(result.export_dir / "model.onnx").metadata_props}
    assert json.loads(told["temperature"]) == wanted.temperature
    known = Trained.describe(result.export_dir)
    assert (known.kind, known.study, known.trial, known.temperature) == ("export", "digits", 0, wanted.temperature)
    assert open_trained(known).version == result.manifest.model_version


def test_a_trial_without_weights_is_exported_uncalibrated_and_that_is_said(book: Book, retrain: Retrain) -> None:
    book.add(0.9)
    result, notes = retrain()
    assert (result.manifest.calibration, result.manifest.temperature) == (None, 1.0)
    assert any("no usable checkpoint" in note for note in notes.notes)
