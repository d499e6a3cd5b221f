"""The training batches of a configuration."""

import torch

from ..config import TrialConfig
from ..data.batches import TrainBatches
from ..data.pack import Pack, Split
from ..losses.sampling import build_order
from .wanted_metrics import FitOn


def split_of(pack: Pack, fit_on: FitOn) -> Split:
    """Return the images of `pack` that a training learns from."""
    return pack.train if fit_on == "train" else pack.train_and_val


def train_batches(config: TrialConfig, pack: Pack, split: Split, device: torch.device) -> TrainBatches:
    """Return the batches of `split`, drawn, augmented and normalised for `config`.

    They are on `device`; `split` must belong to `pack`, whose mean and std of the channels normalise the images.
    """
    return TrainBatches(
        split,
        mean=pack.mean,
        std=pack.std,
        batch_size=config.data.batch_size,
        augment=config.augment,
        classes=len(pack.class_names),
        device=device,
        seed=config.seed,
        order=build_order(config.sampling, split.labels, config.seed),
    )
