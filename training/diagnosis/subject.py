"""The subject of a diagnosis: a configuration on its data.

With learners of its own; no training's files are written to.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..checkpoints.checkpoint import State
from ..config import TrialConfig
from ..data.batches import EvalBatches
from ..data.config import DataConfig
from ..data.pack import Pack, Split
from ..loop.feed import train_batches
from ..loop.learner import Learner
from ..machine.seeding import seeded
from ..setting import Setting
from .watch import Watched, watch

Batch = tuple[Tensor, Tensor]

SAMPLE = 512
"""Training images in checks that do not take all of them: a few batches."""


@dataclass(frozen=True)
class Subject:
    """A configuration on the images of `pack`, trained on `device`.

    `state` is the checkpoint of a training, from whose weights the gradients are watched; None: from fresh ones.
    """

    config: TrialConfig
    pack: Pack
    device: torch.device
    state: State | None = None

    @classmethod
    def on(cls, device: str, config: TrialConfig, pack: Pack, state: State | None = None) -> Self:
        """Return the subject on the device of a name.

        "cpu", "cuda" or "cuda:1".
        """
        fold = state.get("fold") if state else None
        return cls(config, pack.of_fold(fold) if fold else pack, torch.device(device), state)

    @property
    def look_at_data(self) -> str:
        """The command that shows the images, with the data's settings.

        Whatever the configuration says of where and how they are.
        """
        data, default = self.config.data, DataConfig()
        field_names = set(DataConfig.model_fields) - {"source", "batch_size", "max_train", "max_val"}
        changed = {
            name: value for name in sorted(field_names) if (value := getattr(data, name)) != getattr(default, name)
        }
        flags = [Setting(f"data.{name}", value).flag for name, value in changed.items()]
        return " ".join(("hpo data", shlex.quote(data.source), *flags, "--html data.html"))

    def learner(self) -> Learner:
        """Return a fresh learner, as the training begins with."""
        return Learner.create(self.config, self.pack, self.device)

    @cached_property
    def sample(self) -> Split:
        """Up to SAMPLE training images, drawn once from the seed."""
        return self._drawn(SAMPLE)

    def batch(self, size: int) -> Batch:
        """Return one batch of up to `size` drawn training images, unchanged.

        x [B, C, H, W] normalised, y int64 [B].
        """
        return next(iter(self.unchanged(self._drawn(size), size)))

    def unchanged(self, split: Split, batch_size: int) -> EvalBatches:
        """Return the images of `split` as they are, normalised."""
        pack = self.pack
        return EvalBatches(split, mean=pack.mean, std=pack.std, batch_size=batch_size, device=self.device)

    def batches(self) -> Iterator[Batch]:
        """Yield batches as the training gets them, epoch after epoch without end."""
        batches = train_batches(self.config, self.pack, "train", self.device)
        for epoch in count(1):
            yield from batches.epoch(epoch)

    @cached_property
    def watched(self) -> Watched:
        """The observation of a few steps of training."""
        learner = self.learner()
        if self.state is not None:
            learner.load(self.state)
        with seeded(self.config.seed, 1, self.device):
            return watch(learner, self.batches(), self.config.optimizer.lr)

    def _drawn(self, size: int) -> Split:
        train = self.pack.train
        rows = np.random.default_rng(self.config.seed).permutation(len(train))[:size]
        return Split(np.asarray(train.images[np.sort(rows)]), train.labels[np.sort(rows)], train.index[np.sort(rows)])
