"""The curves of a history, measured against a blind guess.

As the rules of a verdict see them. No torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Self

from ..config import TrialConfig
from ..report import TrainResult

_SOME_SKILL = 0.1  # of the way from guessing to all right: less may be luck on a few hundred images
_FALLEN = 0.95  # of the loss of a guess; models of very many classes get this far before any accuracy shows


@dataclass(frozen=True, slots=True)
class Chance:
    """The result of giving every image the same answer.

    Loss in nats, accuracy in [0, 1].
    """

    classes: int
    loss: float
    accuracy: float

    @classmethod
    def of(cls, config: TrialConfig, class_counts: Sequence[int]) -> Self:
        """Return the best such answer: the frequencies of the classes.

        All alike where training balances them.

        `class_counts` are the training images of each class, of at least two classes.
        """
        classes, total = len(class_counts), sum(class_counts)
        if config.loss.class_weights != "none" or config.sampling.method != "shuffle":
            return cls(classes, log(classes), 1 / classes)
        shares = [count / total for count in class_counts if count]
        return cls(classes, -sum(share * log(share) for share in shares), max(shares))

    @property
    def uniform_loss(self) -> float:
        """The loss of giving every class the same probability."""
        return log(self.classes)

    def skill(self, accuracy: float) -> float:
        """Return how far `accuracy` is from guessing (0) to all right (1)."""
        return (accuracy - self.accuracy) / max(1 - self.accuracy, 1e-9)


@dataclass(frozen=True, slots=True)
class Trace:
    """The epochs of a training as curves.

    A training without validation has its training curves in their place.
    """

    chance: Chance
    config: TrialConfig
    train_loss: Sequence[float]
    train_accuracy: Sequence[float]
    val_loss: Sequence[float]
    val_accuracy: Sequence[float]
    grad_norm: Sequence[float]
    validated: bool

    @classmethod
    def of(cls, result: TrainResult, config: TrialConfig, class_counts: Sequence[int]) -> Self:
        """Return the curves of `result`, whose history has at least one epoch."""
        metrics = [report.metrics for report in result.history]
        validated = "val_loss" in metrics[0]
        judged = "val" if validated else "train"
        return cls(
            chance=Chance.of(config, class_counts),
            config=config,
            train_loss=_curve(metrics, "train_loss"),
            train_accuracy=_curve(metrics, "train_accuracy"),
            val_loss=_curve(metrics, f"{judged}_loss"),
            val_accuracy=_curve(metrics, f"{judged}_accuracy"),
            grad_norm=_curve(metrics, "grad_norm"),
            validated=validated,
        )

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return len(self.train_loss)

    @property
    def train_skill(self) -> float:
        """The skill on training images in the last epoch."""
        return self.chance.skill(self.train_accuracy[-1])

    @property
    def val_skill(self) -> float:
        """The skill on validation images in the last epoch."""
        return self.chance.skill(self.val_accuracy[-1])

    @property
    def gap(self) -> float:
        """The accuracy on training images minus that on validation images.

        Of the last epoch.
        """
        return self.train_accuracy[-1] - self.val_accuracy[-1]

    @property
    def learned(self) -> bool:
        """Whether the training images are told apart at all.

        By accuracy or, whatever the loss is, by its fall.
        """
        start = min(self.train_loss[0], self.chance.loss)
        # Twice the fall that carries_over asks of the validation loss.
        return self.train_skill >= _SOME_SKILL or self.train_loss[-1] < (2 * _FALLEN - 1) * start

    @property
    def carries_over(self) -> bool:
        """Whether the validation images were told apart at all, in any epoch."""
        best = self.chance.skill(max(self.val_accuracy))
        return best >= _SOME_SKILL or min(self.val_loss) < _FALLEN * self.chance.loss


def _curve(metrics: Sequence[Mapping[str, float]], name: str) -> tuple[float, ...]:
    return tuple(entry[name] for entry in metrics)
