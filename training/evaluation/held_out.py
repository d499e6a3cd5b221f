"""The honest temperature of a model: fitted on the logits of weights that have not seen the validation images.

A winner is retrained on training and validation images together. Its own logits on the latter are those of images it
knows: it is right and sure there, and a temperature fitted on them would be too sharp. The trial that won was trained
on the training images alone, with the same configuration, and its weights are still there; what it says about the
validation images is what the retrained model would say about images it does not know.
"""

from pathlib import Path

import torch

from ..checkpoints.checkpoint import CheckpointError, load
from ..checkpoints.files import BEST, LAST
from ..config import TrialConfig
from ..data.batches import EvalBatches
from ..data.pack import Pack
from ..export.classifier import Classifier
from ..machine.precision import Precision
from ..metrics.calibration import Calibration
from ..metrics.over_split import predict
from .temperature import calibrate

_BATCH = 256


def fit_calibration(
    directory: Path, config: TrialConfig, pack: Pack, *, epoch: int, device: str, name: str
) -> Calibration | None:
    """The calibration of a run in `directory` that was fitted on the training images alone.

    Args:
        directory: of the run, with best.ckpt and last.ckpt.
        config: of the run.
        pack: its data.
        epoch: at which weights are wanted; of the two checkpoints the nearer one is taken.
        device: as torch names it.
        name: of the run, for the record.

    Returns:
        None where no checkpoint can be read, or the weights give no numbers.
    """
    nearest = _nearest(directory, epoch)
    if nearest is None:
        return None
    checkpoint, reached = nearest
    target = torch.device(device)
    model = Classifier.from_checkpoint(checkpoint, config, pack).model.to(target)
    batches = EvalBatches(pack.val, mean=pack.mean, std=pack.std, batch_size=_BATCH, device=target)
    found = predict(model, batches, Precision(target, torch.float32))
    if not torch.isfinite(found.logits).all():
        return None
    return calibrate(found.logits.numpy(), found.labels.numpy(), f"{name}, epoch {reached}")


def _nearest(directory: Path, epoch: int) -> tuple[Path, int] | None:
    """The checkpoint whose epoch is nearest to `epoch`, and its epoch; of equals the best one."""
    found = []
    for name in (BEST, LAST):
        try:
            state = load(directory / name)
        except CheckpointError:
            continue
        found.append((directory / name, int(state["epoch"] if name == BEST else len(state["history"]))))
    return min(found, key=lambda pair: abs(pair[1] - epoch), default=None)
