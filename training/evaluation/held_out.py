"""The calibration of a retrained model, on logits of unseen images.

A winner is retrained on training and validation images together. Its own logits on the latter are those of images it
knows: it is right and confident there, and a temperature fitted on them would be too sharp. The trial that won was
trained on the training images alone, with the same configuration, and its weights are still there; what it says about
the validation images is what the retrained model would say about images it does not know. With folds those are all
images: each was unseen by the weights of one fold.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from ..checkpoints.checkpoint import CheckpointError, State, load
from ..checkpoints.files import BEST, LAST
from ..config import TrialConfig
from ..data.batches import EvalBatches
from ..data.pack import Pack
from ..export.classifier import Classifier
from ..loop.folds import unseen_in
from ..machine.precision import Precision
from ..metrics.calibration import Calibration
from ..metrics.over_split import predict
from .temperature import calibrate

_BATCH = 256  # images per forward pass


def fit_calibration(
    directory: Path, config: TrialConfig, pack: Pack, *, epoch: int, device: str, name: str
) -> Calibration | None:
    """Fit the calibration on weights that saw the training images alone.

    Those of the training in `directory`.

    Args:
        directory: of the training, with best.ckpt and last.ckpt.
        config: of the training.
        pack: its data.
        epoch: at which weights are wanted; of the two checkpoints the nearer one is taken. With folds it is the epoch
            that counts of each.
        device: as torch names it.
        name: of the training, for the record.

    Returns:
        None where no checkpoint can be read, or the weights give no numbers.
    """
    checkpoint_and_epoch = _nearest(directory, epoch, (BEST,) if pack.folds else (BEST, LAST))
    if checkpoint_and_epoch is None:
        return None
    checkpoint, reached = checkpoint_and_epoch
    state, target = load(checkpoint), torch.device(device)
    pack, unseen_before = seen_by(state, pack), unseen_in(state)
    model = Classifier.from_checkpoint(checkpoint, config, pack).model.to(target)
    batches = EvalBatches(pack.val, mean=pack.mean, std=pack.std, batch_size=_BATCH, device=target)
    unseen = predict(model, batches, Precision(target, torch.float32))  # float32, as the exported files compute
    unseen = unseen if unseen_before is None else unseen_before.with_more(unseen)
    if not torch.isfinite(unseen.logits).all():
        return None
    weights = f"{name}, {pack.fold} of {len(pack.folds)} folds" if pack.folds else f"{name}, epoch {reached}"
    return calibrate(unseen.logits.numpy(), unseen.labels.numpy(), weights)


def seen_by(state: State, pack: Pack) -> Pack:
    """Return `pack` as the weights of a checkpoint have seen it: with folds, those of its own fold validated on."""
    return pack.of_fold(state["fold"]) if pack.folds else pack


def _nearest(directory: Path, epoch: int, names: Sequence[str]) -> tuple[Path, int] | None:
    """Return the checkpoint of these nearest to `epoch`, and its epoch.

    Of equals the first one.
    """
    candidates = []
    for name in names:
        try:
            state = load(directory / name)
        except CheckpointError:
            continue
        # last.ckpt names no epoch of its own: it is that of its last report
        candidates.append((directory / name, int(state["epoch"] if name == BEST else len(state["history"]))))
    return min(candidates, key=lambda pair: abs(pair[1] - epoch), default=None)
