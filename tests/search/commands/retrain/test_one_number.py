"""What is told, shown, kept and exported of a winner is one thing, whichever epoch counts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hpo.search.commands.retrain.options import RetrainOptions
from hpo.search.commands.retrain.retrain import retrain_best
from hpo.studies.home import Home
from hpo.studies.records.summarise import summarise
from hpo.studies.store.storage import open_storage
from hpo.training.checkpoints.files import BEST
from hpo.training.config import TrialConfig
from hpo.training.data.batches import EvalBatches
from hpo.training.data.pack import Pack
from hpo.training.export.classifier import Classifier
from hpo.training.export.manifest import Selection
from hpo.training.machine.precision import Precision
from hpo.training.metrics.over_split import predict
from hpo.training.trained.folder import Trained
from hpo.training.trained.model import open_trained
from numpy.typing import NDArray

from ..notes import Notes
from .conftest import searched, trained

OBJECTIVES: dict[str, dict[str, Any]] = {
    "the mean of the last 3 epochs": {"at": "last", "mean_of": 3},
    "the best epoch": {"at": "best"},
}


def logits_on(pack: Pack, folder: Path, config: TrialConfig) -> NDArray[np.float32]:
    """The logits [N, classes] of a training's weights on the validation images."""
    model = Classifier.from_checkpoint(folder / BEST, config, pack).model
    cpu = torch.device("cpu")
    batches = EvalBatches(pack.val, mean=pack.mean, std=pack.std, batch_size=64, device=cpu)
    logits: NDArray[np.float32] = predict(model, batches, Precision(cpu, torch.float32)).logits.numpy()
    return logits


@pytest.mark.slow
@pytest.mark.parametrize("at", OBJECTIVES)
def test_value_and_weights_are_those_of_the_epoch_that_counts(
    at: str, few: Path, small_config: Callable[..., TrialConfig], home: Home, tmp_path: Path
) -> None:
    config = small_config(
        objective=OBJECTIVES[at],
        model={"name": "simple_cnn", "width": 4},
        optimizer={"name": "sgd", "lr": 0.5},  # so high that the accuracy jumps from epoch to epoch
        schedule={"name": "constant"},
        budget={"epochs": 8},
    )
    trial = searched(config, few, home)
    accuracy = [report.metrics["val_accuracy"] for report in trial.history]
    assert trial.best is not None
    epoch = 8 if at != "the best epoch" else accuracy.index(max(accuracy)) + 1
    value = float(np.mean(accuracy[-3:])) if "mean" in at else accuracy[epoch - 1]
    assert len(set(accuracy)) > 3  # else any epoch would do

    shown = summarise(open_storage(home.storage_url), "s").best
    assert shown is not None
    assert (shown.value, trial.best.epoch) == (pytest.approx(value), epoch)
    pack = Pack.open(few)
    kept = logits_on(pack, home.trial("s", 0), config)
    assert np.mean(kept.argmax(1) == pack.val.labels) == pytest.approx(accuracy[epoch - 1])

    home.cache.mkdir(parents=True, exist_ok=True)
    (home.cache / few.name).symlink_to(few)
    options = RetrainOptions(home=home.root, study="s", tracking_uri="none", device="cpu")
    result = retrain_best(options, Notes())
    manifest = result.manifest
    assert manifest.selection == Selection(metric="val_accuracy", at=at, value=shown.value, epoch=epoch)
    assert (manifest.trial, manifest.training.epochs) == (0, epoch)
    assert manifest.metrics.val_accuracy == accuracy[epoch - 1]

    trained(manifest.config, few, tmp_path / "again", fit_on="train_and_val", last_epoch=epoch)
    exported = open_trained(Trained.describe(result.export_dir))
    images = pack.val.images
    assert np.allclose(exported.logits(images), logits_on(pack, tmp_path / "again", config), atol=1e-3)
