"""From a split to batches on the training device, without any Python per sample.

A batch is gathered from the uint8 images, changed per sample and made float in a handful of whole-batch operations.
On a CUDA device the split is moved there once, if it fits, and everything happens there; otherwise the bytes are
gathered into pinned memory and copied while the device is busy with the batch before. On a CPU they are gathered
straight from the pack's shared memory map: no process holds a copy of its own.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..augment.config import AugmentConfig
from ..augment.pipeline import Pipeline
from .normalise import Normalise
from .pack import Split

Batch = tuple[Tensor, Tensor]
Rows = NDArray[np.int64]

_SHARE_OF_FREE_MEMORY = 0.3  # a split may take this much of a device's free memory; the rest is for the model


class Order(Protocol):
    """Which rows of a split an epoch shows, in which order: as many in every epoch, some twice, some not at all."""

    def __len__(self) -> int: ...

    def __call__(self, epoch: int) -> NDArray[np.int64]:
        """The rows [len] of epoch `epoch` (from 1)."""
        ...


class TrainBatches:
    """Shuffled, augmented batches of a training split.

    Order and changes of an epoch derive from (seed, epoch number) alone and not from the device, so that a resumed run
    goes on as if never interrupted. The last batch may be smaller; it is left out where it would hold a
    single image after other batches, since batch normalisation has no variance there.
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
        """Prepare batches of `batch_size` from `split`, normalised by `mean` and `std` per channel of [0, 1].

        `order` says which images an epoch has; None: each once, shuffled. `classes` is how many there are, for labels
        that `augment` mixes.
        """
        self._device = torch.device(device)
        self._images = _Images(split, self._device)
        normalise = Normalise(mean, std, self._device, dtype)
        self._augment = Pipeline(augment, normalise, classes=classes, seed=seed, device=self._device)
        self._seed = seed
        self._order = order
        self._size = len(split) if order is None else len(order)
        starts = range(0, self._size, batch_size)
        lonely = batch_size > 1 and self._size % batch_size == 1 and len(starts) > 1
        self._starts = starts[:-1] if lonely else starts

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return len(self._starts)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of epoch `number`: x [B, C, H, W] normalised, in channels_last memory, and labels.

        Those are int64 [B]; where images are mixed float32 [B, classes].
        """
        random = np.random.default_rng([self._seed, number])
        order = random.permutation(self._size) if self._order is None else self._order(number)
        augment = self._augment.epoch(number)
        parts = [order[start : start + self._starts.step] for start in self._starts]
        for rows, (images, labels) in zip(parts, self._images.batches(parts), strict=True):
            yield augment(images, labels, rows)


class EvalBatches:
    """Every image of a split once, in order, unchanged: iterate for (x, y) as TrainBatches gives them."""

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
        """Prepare batches of `batch_size` from `split`, normalised by `mean` and `std` per channel of [0, 1]."""
        self._images = _Images(split, torch.device(device))
        self._normalise = Normalise(mean, std, torch.device(device), dtype)
        rows = np.arange(len(split))
        self._parts = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]

    def __len__(self) -> int:
        return len(self._parts)

    def __iter__(self) -> Iterator[Batch]:
        for images, labels in self._images.batches(self._parts):
            yield self._normalise(images), labels


class _Images:
    """The images of a split, wherever batches are best gathered from."""

    def __init__(self, split: Split, device: torch.device) -> None:
        self._device = device
        self._images, self._labels = _shared(split.images), _shared(split.labels)
        if device.type == "cuda" and _fits(self._images, device):
            self._images, self._labels = self._images.to(device), self._labels.to(device)

    def batches(self, parts: Sequence[Rows]) -> Iterator[Batch]:
        """Images uint8 [B, H, W, C] and labels int64 [B] on the device for the rows [B] of each part."""
        for part in parts:
            rows = torch.from_numpy(part).to(self._images.device)
            yield self._gather(self._images, rows), self._gather(self._labels, rows)

    def _gather(self, values: Tensor, rows: Tensor) -> Tensor:
        if values.device.type == self._device.type:
            return values.index_select(0, rows)
        # Pinned memory comes from torch's cache, which reuses it only after the copy that reads it has ended.
        staged = torch.empty((len(rows), *values.shape[1:]), dtype=values.dtype, pin_memory=True)
        torch.index_select(values, 0, rows, out=staged)
        return staged.to(self._device, non_blocking=True)


def _shared(array: NDArray[np.generic]) -> Tensor:
    """The array as a tensor over the same memory, which nobody may write to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.asarray(array))


def _fits(images: Tensor, device: torch.device) -> bool:
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes <= _SHARE_OF_FREE_MEMORY * free
