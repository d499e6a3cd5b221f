"""Which images an epoch shows, by row number; all that is random derives from (seed, epoch)."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from ..data.batches import Order
from .config import SamplingConfig

Rows = NDArray[np.int64]

_STREAM = 1  # beside the stream of (seed, epoch) from which the batches draw their crops


def build_order(config: SamplingConfig, labels: Rows, seed: int) -> Order | None:
    """The order of training images with `labels` int64 [N]; None: each once, shuffled, as the batches do by themselves.

    Every class that has images is shown.
    """
    build = _ORDERS[config.method]
    return None if build is None else build(config, labels, seed)


@dataclass(frozen=True, slots=True)
class Weighted:
    """As many draws as there are images, with replacement, each image by its probability [N]."""

    probabilities: NDArray[np.float64]
    seed: int

    @classmethod
    def build(cls, config: SamplingConfig, labels: Rows, seed: int) -> "Weighted":
        """A class of n images has a share of n^(1 - balance).

        A balance of 0.5 is the square root of Mahajan et al. 2018 (arXiv:1805.00932, section 2.2).
        """
        weights = np.bincount(labels).clip(1)[labels] ** -config.balance
        return cls(weights / weights.sum(), seed)

    def __len__(self) -> int:
        return len(self.probabilities)

    def __call__(self, epoch: int) -> Rows:
        """The rows of epoch `epoch`."""
        random = np.random.default_rng([self.seed, epoch, _STREAM])
        return random.choice(len(self), len(self), p=self.probabilities)


@dataclass(frozen=True, slots=True)
class Undersample:
    """At most `most` images of each class, others in every epoch; `classes` are the rows of each class."""

    classes: tuple[Rows, ...]
    most: int
    seed: int

    @classmethod
    def build(cls, config: SamplingConfig, labels: Rows, seed: int) -> "Undersample":
        """At most `ratio` times as many as the smallest class has."""
        classes = tuple(np.flatnonzero(labels == number) for number in np.unique(labels))
        return cls(classes, ceil(config.ratio * min(map(len, classes))), seed)

    def __len__(self) -> int:
        return sum(min(len(rows), self.most) for rows in self.classes)

    def __call__(self, epoch: int) -> Rows:
        """The rows of epoch `epoch`."""
        random = np.random.default_rng([self.seed, epoch, _STREAM])
        return random.permutation(np.concatenate([random.permutation(rows)[: self.most] for rows in self.classes]))


_ORDERS: dict[str, Callable[[SamplingConfig, Rows, int], Order] | None] = {
    "shuffle": None,
    "weighted": Weighted.build,
    "undersample": Undersample.build,
}
