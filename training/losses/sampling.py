"""The training images of an epoch by row number, drawn from (seed, epoch)."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from ..data.batches import Order
from .config import SamplingConfig

Rows = NDArray[np.int64]

_STREAM = 1  # a stream of its own, beside that of (seed, epoch) from which the batches draw their crops


def build_order(config: SamplingConfig, labels: Rows, seed: int) -> Order | None:
    """Return the order of training images; None: each once, shuffled.

    For `labels` int64 [N]. The batches shuffle by themselves.

    Every class that has images is shown.
    """
    build = _ORDERS[config.method]
    return None if build is None else build(config, labels, seed)


@dataclass(frozen=True, slots=True)
class Weighted:
    """An epoch of as many draws as images, with replacement.

    Each image is drawn by its probability [N].
    """

    probabilities: NDArray[np.float64]
    seed: int

    @classmethod
    def build(cls, config: SamplingConfig, labels: Rows, seed: int) -> "Weighted":
        """Return draws by class size: n^(1 - balance) for n images.

        A balance of 0.5 is the square root of Mahajan et al. 2018 (arXiv:1805.00932, section 2.2).
        """
        # clip(1): a class number without images is no division by zero
        weights = np.bincount(labels).clip(1)[labels] ** -config.balance
        return cls(weights / weights.sum(), seed)

    def __len__(self) -> int:
        return len(self.probabilities)

    def __call__(self, epoch: int) -> Rows:
        """Return the rows of epoch `epoch`."""
        random = np.random.default_rng([self.seed, epoch, _STREAM])
        return random.choice(len(self), len(self), p=self.probabilities)


@dataclass(frozen=True, slots=True)
class Undersample:
    """An epoch of at most `most` images of each class.

    They are others in every epoch. `classes` are the rows of each class.
    """

    classes: tuple[Rows, ...]
    most: int
    seed: int

    @classmethod
    def build(cls, config: SamplingConfig, labels: Rows, seed: int) -> "Undersample":
        """Return the order of at most `ratio` times the smallest class's images."""
        classes = tuple(np.flatnonzero(labels == number) for number in np.unique(labels))
        return cls(classes, ceil(config.ratio * min(map(len, classes))), seed)

    def __len__(self) -> int:
        return sum(min(len(rows), self.most) for rows in self.classes)

    def __call__(self, epoch: int) -> Rows:
        """Return the rows of epoch `epoch`."""
        random = np.random.default_rng([self.seed, epoch, _STREAM])
        # the outer permutation mixes the classes, the inner one chooses the images
        return random.permutation(np.concatenate([random.permutation(rows)[: self.most] for rows in self.classes]))


_ORDERS: dict[str, Callable[[SamplingConfig, Rows, int], Order] | None] = {
    "shuffle": None,
    "weighted": Weighted.build,
    "undersample": Undersample.build,
}
