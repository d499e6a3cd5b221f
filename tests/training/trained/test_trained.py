"""A trained model in a folder: runs here, exports in tests/search/retrain."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hpo.errors import ExportError, TrainingError
from hpo.training.checkpoints.checkpoint import CheckpointError
from hpo.training.checkpoints.training_folder import TrainingFolder
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.evaluation.held_out import fit_calibration
from hpo.training.export.classifier import Classifier
from hpo.training.metrics.calibration import Calibration
from hpo.training.train import train
from hpo.training.trained.folder import Trained
from hpo.training.trained.model import open_trained
from scipy.special import softmax


@pytest.fixture(scope="module")
def run(
    digits_pack: Path, small_config: Callable[..., TrialConfig], tmp_path_factory: pytest.TempPathFactory
) -> TrainingFolder:
    """A run of three epochs with averaged weights, so that the judged ones are not those that were trained."""
    pack = Pack.open(digits_pack)
    config = small_config(ema={"decay": 0.9})
    folder = TrainingFolder.create(tmp_path_factory.mktemp("run"), config, pack, "a test")
    list(train(config, pack=pack.path, directory=folder.path, device="cpu"))
    return folder


def test_a_run_is_opened_without_its_pack(run: TrainingFolder, digits_pack: Path) -> None:
    pack = Pack.open(digits_pack)
    known = Trained.describe(run.path)
    assert (known.kind, known.class_names, known.fingerprint) == ("run", pack.class_names, pack.fingerprint)
    assert (known.preprocessing.image_size, known.preprocessing.channels, known.temperature) == (8, 1, 1.0)
    model = open_trained(known)
    classifier = Classifier.from_checkpoint(run.path / "best.ckpt", run.config, pack)
    images = np.asarray(pack.val.images)
    with torch.no_grad():
        wanted = classifier(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()
    np.testing.assert_allclose(model.logits(images), wanted, atol=1e-6)
    assert model.version == classifier.weights_digest()[:12]
    assert (wanted.argmax(axis=1) == pack.val.labels).mean() > 0.5


def test_a_temperature_is_kept_and_applied(run: TrainingFolder, digits_pack: Path) -> None:
    pack = Pack.open(digits_pack)
    found = fit_calibration(run.path, run.config, pack, epoch=3, device="cpu", name="the run")
    assert found is not None
    assert found.weights == "the run, epoch 3"
    assert found.images == pack.size("val")
    run.keep_calibration(found)
    known = Trained.describe(run.path)
    assert known.calibration == found
    logits = np.array([[2.0, 0.0, -1.0]], np.float32)
    np.testing.assert_allclose(
        open_trained(known).probabilities(logits), softmax(logits / found.temperature, axis=1), rtol=1e-6
    )


def test_the_weights_nearest_to_the_wanted_epoch_are_taken(
    digits_pack: Path, small_config: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    """At this rate the first epoch is the best by far; the last is another."""
    pack, config = Pack.open(digits_pack), small_config(optimizer={"name": "sgd", "lr": 1e-6}, ema={"decay": 0.5})
    list(train(config, pack=pack.path, directory=tmp_path, device="cpu"))
    last = fit_calibration(tmp_path, config, pack, epoch=3, device="cpu", name="it")
    assert last is not None
    assert last.weights == "it, epoch 3"


def test_without_weights_there_is_no_temperature(
    digits_pack: Path, small_config: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    assert fit_calibration(tmp_path, small_config(), Pack.open(digits_pack), epoch=1, device="cpu", name="it") is None


def test_a_folder_of_something_else_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"neither manifest\.json .* nor run\.json"):
        Trained.describe(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ExportError, match="not a manifest"):
        Trained.describe(tmp_path)


def test_damaged_files_of_a_run_are_named(run: TrainingFolder, tmp_path: Path) -> None:
    for name in ("config.json", "run.json"):
        (tmp_path / name).write_bytes((run.path / name).read_bytes())
    with pytest.raises(CheckpointError, match=r"best\.ckpt"):
        open_trained(Trained.describe(tmp_path))
    (tmp_path / "calibration.json").write_text('{"temperature": -1}')
    with pytest.raises(TrainingError, match=r"calibration\.json"):
        Trained.describe(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"pack": "gone"}))
    with pytest.raises(TrainingError, match="cannot be read"):
        Trained.describe(tmp_path)


def test_a_temperature_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        Calibration(temperature=0, weights="", images=1, nll_before=0, nll_after=0, ece_before=0, ece_after=0)
