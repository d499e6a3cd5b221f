"""The training batches of a configuration."""

import torch

from ..config import TrialConfig
from ..data.batches import TrainBatches
from ..data.pack import Pack
from ..losses.sampling import build_order
from .wanted_metrics import FitOn


def train_batches(config: TrialConfig, pack: Pack, fit_on: FitOn, device: torch.device) -> TrainBatches:
    """Return the batches of the images of `pack` that `fit_on` says, drawn, augmented and normalised for `config`.

    They are on `device`, normalised by the mean and std of the channels of `pack`.
    """
    # of a later fold by their rows, as they are in two pieces
    rows = pack.train_rows if fit_on == "train" and pack.fold > 1 else None
    split = pack.train if fit_on == "train" and rows is None else pack.train_and_val
    labels = split.labels if rows is None else split.labels[rows]
    return TrainBatches(
        split,
        rows=rows,
        mean=pack.mean,
        std=pack.std,
        batch_size=config.data.batch_size,
        augment=config.augment,
        classes=len(pack.class_names),
        device=device,
        seed=config.seed,
        order=build_order(config.sampling, labels, config.seed),
    )
