"""What an epoch of any configuration costs, from a few that were timed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean

import numpy as np

from ....training.config import TrialConfig
from ...executors.preflight import ModelCost, Preflight


@dataclass(frozen=True, slots=True)
class Work:
    """The work of an epoch of `config`, with a model of `cost`, None where that is not known.

    `train_images` and `val_images` are those of the data.
    """

    config: TrialConfig
    cost: ModelCost | None
    train_images: int
    val_images: int

    @property
    def steps(self) -> int:
        """The batches of an epoch."""
        return ceil(self.train_images / self.config.data.batch_size)

    @property
    def parts(self) -> tuple[float, ...]:
        """What takes time: each batch, each image, each operation on images, each weight that a step moves.

        A validation image takes the forward pass alone, a third of the operations of a training image.
        """
        parameters, flops = self.cost or (0, 0)
        images = self.train_images + self.val_images / 3
        return float(self.steps), images, images * flops, float(self.steps * parameters)

    @property
    def guess(self) -> float:
        """What orders configurations before any was timed.

        A batch takes as long as ten million operations of an image would: some milliseconds on a core.
        """
        _, flops = self.cost or (0, 0)
        return self.steps * 1e7 + self.train_images * (flops + 1e5)

    @property
    def memory(self) -> float:
        """What orders configurations by the memory that they take: the activations of a batch follow the operations."""
        parameters, flops = self.cost or (0, 0)
        return float(self.config.data.batch_size * flops + parameters)


def works(configs: Sequence[TrialConfig], costs: Sequence[ModelCost | None], ready: Preflight) -> list[Work]:
    """The work of each of `configs`, on the images of `ready`; with folds those of one fold validate in an epoch."""
    return [
        Work(config, cost, ready.train_images, ready.val_images // (config.data.folds or 1))
        for config, cost in zip(configs, costs, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class CostModel:
    """Seconds of an epoch: the sum of the parts of its work, each with a weight.

    `error` is by how much an epoch that was timed differs from what the model says of it, as a share, in the mean.
    """

    weights: tuple[float, ...]
    error: float

    def epoch_s(self, work: Work) -> float:
        """The seconds of an epoch of `work`."""
        return float(np.dot(self.weights, work.parts))


def fit(timed: Sequence[tuple[Work, float]]) -> CostModel:
    """The model of costs that is nearest to what was timed, by relative errors; no weight is negative.

    Each of `timed`, one at least, is the work of an epoch and its seconds. Lawson & Hanson 1974, Solving Least Squares
    Problems, chapter 23.
    """
    from scipy.optimize import nnls  # takes half a second to import

    seconds = np.array([epoch_s for _, epoch_s in timed])
    parts = np.array([work.parts for work, _ in timed])
    # columns of numbers near 1: a batch and an operation differ by ten orders of magnitude
    scale = np.maximum(parts.max(axis=0), 1.0)
    weights, _ = nnls(parts / scale / seconds[:, None], np.ones(len(timed)))
    model = CostModel(tuple(weights / scale), 0.0)
    errors = [abs(model.epoch_s(work) / epoch_s - 1) for work, epoch_s in timed]
    return CostModel(model.weights, fmean(errors))
