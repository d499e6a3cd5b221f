"""Batches of a split on the training device.

No Python per sample.

A batch is gathered from the uint8 images (reader.py), changed per sample (../augment) and made float (normalise.py) in
a handful of whole-batch operations.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch

from ..augment.config import AugmentConfig
from ..augment.normalise import Normalise
from ..augment.pipeline import Pipeline
from .pack import Split
from .reader import Batch, Reader, Rows


class Order(Protocol):
    """The rows of a split that an epoch shows, in order.

    As many in every epoch, some twice, some not at all.
    """

    def __len__(self) -> int: ...

    def __call__(self, epoch: int) -> Rows:
        """Return the rows [len] of epoch `epoch` (from 1)."""
        ...


class TrainBatches:
    """Shuffled, augmented batches of a training split.

    Order and changes of an epoch derive from (seed, epoch number) alone and not from the device, so that a resumed
    training goes on as if never interrupted. The last batch may be smaller; it is left out where it would hold a single
    image after other batches, since batch normalisation has no variance there.
    """

    def __init__(
        self,
        split: Split,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        batch_size: int,
        augment: AugmentConfig,
        classes: int,
        device: torch.device | str,
        seed: int,
        order: Order | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Prepare shuffled batches of `split`.

        They hold `batch_size` images, normalised by `mean` and `std` per channel of [0, 1].

        `order` says which images an epoch has; None: each once, shuffled. `classes` is how many there are, for labels
        that `augment` mixes.
        """
        self._device = torch.device(device)
        self._images = Reader(split, self._device)
        normalise = Normalise(mean, std, self._device, dtype)
        self._augment = Pipeline(augment, normalise, classes=classes, seed=seed, device=self._device)
        self._seed = seed
        self._order = order
        self._size = len(split) if order is None else len(order)
        starts = range(0, self._size, batch_size)
        # note: the last batch would hold one image, which batch norm cannot take.
        lonely = batch_size > 1 and self._size % batch_size == 1 and len(starts) > 1
        self._starts = starts[:-1] if lonely else starts

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return len(self._starts)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of epoch `number`, images and labels.

        x [B, C, H, W] normalised, in channels_last memory; labels int64 [B], where images are mixed float32 [B,
        classes].
        """
        random = np.random.default_rng([self._seed, number])
        order = random.permutation(self._size) if self._order is None else self._order(number)
        augment = self._augment.epoch(number)
        # [B] each, row numbers of the split
        parts = [order[start : start + self._starts.step] for start in self._starts]
        for rows, (images, labels) in zip(parts, self._images.batches(parts), strict=True):
            yield augment(images, labels, rows)


class EvalBatches:
    """Every image of a split once, in order, unchanged.

    Iterate for (x, y) as TrainBatches yields them.
    """

    def __init__(
        self,
        split: Split,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        batch_size: int,
        device: torch.device | str,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Prepare batches of `split`.

        They hold `batch_size` images, normalised by `mean` and `std` per channel of [0, 1].
        """
        self._images = Reader(split, torch.device(device))
        self._normalise = Normalise(mean, std, torch.device(device), dtype)
        rows = np.arange(len(split))
        self._parts = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]

    def __len__(self) -> int:
        return len(self._parts)

    def __iter__(self) -> Iterator[Batch]:
        for images, labels in self._images.batches(self._parts):
            yield self._normalise(images), labels
