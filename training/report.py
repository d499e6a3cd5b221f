"""What a training reports (epochs, result) and what steers it (signals).

`train()` is an iterator of these; nothing else leaves the loop, but for what it is busy with in between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from .setting import Setting


class Signal(StrEnum):
    """What the coordinator asks of a running trial, read before every batch."""

    CONTINUE = "continue"
    STOP = "stop"  # end here, keep what was reached (pruned)
    PAUSE = "pause"  # leave now, to be continued from this batch


class Status(StrEnum):
    """How a training ended."""

    FINISHED = "finished"
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"  # it has trained for as long as it may
    PAUSED = "paused"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out_of_memory"
    VIOLATED = "violated"  # it breaks a constraint, so that it is trained no further
    CROWDED = "crowded"  # out of memory beside other processes on the card: no verdict, to be tried again alone


class Activity(NamedTuple):  # not a dataclass: one is made for every batch, a tuple is cheaper
    """What a training is busy with, in words.

    In epoch `epoch` (from 1), `done` of its `total` batches; 0 outside of an epoch.
    """

    words: str
    epoch: int = 0
    done: int = 0
    total: int = 0


IMPORTING = Activity("importing torch")


@dataclass(frozen=True, slots=True)
class EpochReport:
    """The metrics of one epoch.

    `epoch` counts from 1. `metrics` holds at least train_loss, train_accuracy, lr, images_per_s and grad_norm, and
    where there is a validation split val_loss, val_accuracy and whatever else the configuration wants measured;
    accuracies are in [0, 1], losses in nats. On CUDA there is peak_memory_mb; what is limited or an objective beside
    others is there, too. `elapsed_s` is the training time since the first epoch began, over all interruptions. `worth`
    is the value of the objective if the training ended here (ObjectiveConfig.worth), None without a validation split;
    `others` are those of further objectives, in their order.

    With folds, epochs are numbered through: those of fold k (from 1, 0 without folds) come after k - 1 times as many as
    the budget has, also where patience ended a fold before. `worth` is then the mean over folds, `fold` that of this
    epoch, and `ends_fold` says whether it is its last.
    """

    epoch: int
    metrics: Mapping[str, float]
    elapsed_s: float
    worth: float | None = None
    others: tuple[float, ...] = ()
    fold: int = 0
    ends_fold: bool = False

    @property
    def step(self) -> int | None:
        """The number under which a study records it: its epoch, or its fold where it ends one; None within one."""
        if not self.fold:
            return self.epoch
        return self.fold if self.ends_fold else None


def by_fold(history: Sequence[EpochReport]) -> list[list[EpochReport]]:
    """The epochs of each fold, in their order; of a training without folds all are those of one."""
    return [list(reports) for _, reports in groupby(history, lambda report: report.fold)]


class VerdictKind(StrEnum):
    """What a history says about a training, in a word."""

    DIVERGED = "diverged"
    EXPLODING = "exploding"
    NOT_LEARNING = "not learning"
    OVERFITTING = "overfitting"
    PLATEAU = "plateau"
    UNDERFITTING = "underfitting"
    HEALTHY = "healthy"
    UNDECIDED = "undecided"  # too short to tell


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the history of a training says about it.

    `evidence` are the numbers that show it. `advice` says in words what to try, `settings` as values for keys of the
    configuration; both may be empty.
    """

    kind: VerdictKind
    evidence: str
    advice: str = ""
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainResult:
    """How a training ended and what it reached.

    `history` holds every epoch, also those before an interruption; `best` the one that counts (`objective.at`), whose
    weights are in best.ckpt, None before the first finite one, with folds the mean of those that count, and the weights
    are the last fold's. `early_stopped` tells a training that ended itself from
    one that used its whole budget; `message` says why in words where `status` is not FINISHED; `notes` are decisions
    that the training took by itself, one sentence each: batches split for memory, torch.compile failed. `lr_factors`
    are the shares of the scheduled learning rate that plateaus left to each epoch, () under other schedules. `verdict`
    is what the history says of the training, None where nobody judged it. `excesses` say by how much it breaks each
    limit of `constraints` that it has come to, as a share of the limit, 0 or less where it keeps to it.
    """

    status: Status
    best: EpochReport | None
    history: tuple[EpochReport, ...]
    early_stopped: bool = False
    message: str = ""
    notes: tuple[str, ...] = ()
    lr_factors: tuple[float, ...] = ()
    verdict: Verdict | None = None
    excesses: Mapping[str, float] = field(default_factory=dict)
