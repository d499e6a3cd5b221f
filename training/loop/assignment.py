"""What a training was asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from ..config import TrialConfig
from ..data.pack import Pack
from ..report import Activity
from .replicas import Replicas
from .resume import Identity, identity_of
from .wanted_metrics import FitOn


@dataclass(frozen=True, slots=True)
class Assignment:
    """The arguments of a training; see `train.train`, but for `pack`, which is open, and `device`, as torch has it."""

    config: TrialConfig
    pack: Pack
    directory: Path
    device: torch.device
    tell: Callable[[Activity], None]
    fit_on: FitOn
    last_epoch: int | None
    timeout_s: float
    replicas: Replicas

    @property
    def identity(self) -> Identity:
        """What a checkpoint must agree on to be continued."""
        return identity_of(self.config, self.pack, self.fit_on, self.last_epoch)

    @property
    def folds(self) -> int:
        """How many trainings it takes, one a fold; 0 where the data have none, or all images are trained on."""
        return len(self.pack.folds) if self.fit_on == "train" else 0
