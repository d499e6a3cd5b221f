"""Batches of a split on the training device.

No Python per sample.

A batch is gathered from the uint8 images (reader.py), changed per sample (../augment) and made float (normalise.py) in
a handful of whole-batch operations.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from ..augment.config import AugmentConfig
from ..augment.draw import Streams
from ..augment.normalise import Normalise
from ..augment.pipeline import Augment, Pipeline
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
        rows: Rows | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Prepare shuffled batches of the images `rows` of `split`, None for all.

        They hold `batch_size` images, normalised by `mean` and `std` per channel of [0, 1].

        `order` says which of these images an epoch has; None: each once, shuffled. `classes` is how many there are, for
        labels that `augment` mixes.
        """
        self._device = torch.device(device)
        self._images = Reader(split, self._device)
        normalise = Normalise(mean, std, self._device, dtype)
        self._augment = Pipeline(augment, normalise, classes=classes, seed=seed, device=self._device)
        self._seed = seed
        self._order, self._rows = order, rows
        count = len(split) if rows is None else len(rows)
        self._size = count if order is None else len(order)
        starts = range(0, self._size, batch_size)
        # note: the last batch would hold one image, which batch norm cannot take.
        lonely = batch_size > 1 and self._size % batch_size == 1 and len(starts) > 1
        self._starts = starts[:-1] if lonely else starts

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return len(self._starts)

    def epoch(self, number: int, done: int = 0, streams: Mapping[str, Any] | None = None) -> "EpochBatches":
        """Return the batches of epoch `number`, but for the first `done`.

        Where some are done, `streams` is what `EpochBatches.streams` was after them.
        """
        random = np.random.default_rng([self._seed, number])
        order = random.permutation(self._size) if self._order is None else self._order(number)
        order = order if self._rows is None else self._rows[order]
        # [B] each, row numbers of the split
        parts = [order[start : start + self._starts.step] for start in self._starts[done:]]
        generators = self._augment.streams(number)
        for name, state in (streams or {}).items():
            generators[name].bit_generator.state = state
        return EpochBatches(self._images, parts, self._augment.epoch(number, generators), generators)


class EpochBatches(Iterator[Batch]):
    """The batches of an epoch, images and labels.

    x [B, C, H, W] normalised, in channels_last memory; labels int64 [B], where images are mixed float32 [B, classes].
    """

    def __init__(self, images: Reader, parts: Sequence[Rows], augment: Augment, streams: Streams) -> None:
        self._read = zip(parts, images.batches(parts), strict=True)
        self._augment, self._streams = augment, streams

    def __next__(self) -> Batch:
        rows, (images, labels) = next(self._read)
        return self._augment(images, labels, rows)

    @property
    def streams(self) -> dict[str, Any]:
        """The state of each augmentation's generator, before the next batch."""
        return {name: stream.bit_generator.state for name, stream in self._streams.items()}


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
