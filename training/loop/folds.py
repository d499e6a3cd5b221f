"""The trainings of a cross-validation, one a fold: where each stands among the others, and what all come to.

All of them have one folder, and one checkpoint: that of the fold in progress, with the epochs of those before and what
their models said of the images that they had not seen. So a training with folds is resumed, shared with other machines
and cleared away as any other.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Self

from ...common.folds import spread_of
from ..checkpoints.checkpoint import CheckpointError
from ..config import TrialConfig
from ..metrics.over_split import Predictions
from ..report import EpochReport, TrainResult
from .history import report_from_json
from .resume import Identity, load_own


@dataclass(frozen=True, slots=True)
class Before:
    """What the folds before number `fold` (from 1) have left to it; 0 where the data have no folds.

    `history` are their epochs, `notes` the decisions of their trainings, `unseen` what their weights said of the
    images that they had not seen, None before the first.
    """

    fold: int = 0
    history: tuple[EpochReport, ...] = ()
    notes: tuple[str, ...] = ()
    unseen: Predictions | None = None

    @classmethod
    def found(cls, directory: Path, identity: Identity) -> Self:
        """What the checkpoint in a folder says of the folds before its own; nothing where none can be used."""
        try:
            state = load_own(directory, identity)
        except (CheckpointError, RuntimeError, ValueError, KeyError):
            state = None  # the training that goes on from it finds out again, and sets it aside
        if state is None:
            return cls(1)
        earlier = [report for each in state["history"] if (report := report_from_json(each)).fold < state["fold"]]
        return cls(state["fold"], tuple(earlier), tuple(state["notes"]), unseen_in(state))

    def placed(self, report: EpochReport, epochs: int, *, ends: bool) -> EpochReport:
        """A report of this fold among those of all, of `epochs` epochs each: numbered through, worth the mean so far.

        A fold in progress counts with what it is worth by now.
        """
        if not self.fold:
            return report
        assert report.worth is not None  # folds are validated on
        so_far = 0.0 if self.fold == 1 else (self.fold - 1) * (self.history[-1].worth or 0.0)
        worth = (so_far + report.worth) / self.fold
        others_so_far = self.history[-1].others if self.history else (0.0,) * len(report.others)
        others = tuple(
            ((self.fold - 1) * mean + other) / self.fold
            for mean, other in zip(others_so_far, report.others, strict=True)
        )
        epoch = self.placed_epoch(report.epoch, epochs)
        return replace(report, epoch=epoch, worth=worth, others=others, fold=self.fold, ends_fold=ends)

    def placed_epoch(self, epoch: int, epochs: int) -> int:
        """The number of an epoch of this fold among those of all."""
        return max(self.fold - 1, 0) * epochs + epoch

    def taken_out(self, report: EpochReport, epochs: int) -> EpochReport:
        """A report that was `placed`, as this fold's training made it; `Progress.add` gives it its worth again."""
        return replace(
            report, epoch=report.epoch - self.placed_epoch(0, epochs), worth=None, others=(), fold=0, ends_fold=False
        )

    def to_state(self) -> dict[str, Any]:
        """What stands of it in the checkpoint of its fold, beside the history."""
        unseen = self.unseen and {"logits": self.unseen.logits, "labels": self.unseen.labels}
        return {"fold": self.fold, "unseen": unseen}

    @property
    def elapsed_s(self) -> float:
        """Training time of the folds before, in seconds."""
        return self.history[-1].elapsed_s if self.history else 0.0


NO_FOLDS = Before()


def unseen_in(state: dict[str, Any]) -> Predictions | None:
    """The predictions of the folds before that of a checkpoint, see Before.to_state."""
    unseen = state.get("unseen")
    return unseen and Predictions(**unseen)


def config_of(config: TrialConfig, fold: int) -> TrialConfig:
    """The configuration of a fold's training: each has another seed, so that the mean is over weights and draws, too.

    That of the first is the trial's.
    """
    return config.model_copy(update={"seed": (config.seed + max(fold, 1) - 1) % 2**31})


def summed_up(result: TrainResult, config: TrialConfig) -> TrainResult:
    """Return the result of a training with folds, whose `best` is the mean over folds of the epochs that count.

    Only folds that have ended count; before the first of these it is that of the training as it is. Its metrics have
    the spread of the folds beside the objective, as `val_accuracy_sd` and `val_accuracy_se`; its epoch is their mean,
    within a fold.
    """
    objective, epochs = config.objective, config.budget.epochs
    worths = objective.worths(result.history)
    if not worths:
        return result
    counted = [report for report in result.history if report.epoch in {worth.epoch for worth in worths}]
    names = set.intersection(*(set(report.metrics) for report in counted))
    metrics = {name: fmean(report.metrics[name] for report in counted) for name in counted[0].metrics if name in names}
    if spread := spread_of([worth.value for worth in worths]):
        metrics |= {f"{objective.metric}_sd": spread.sd, f"{objective.metric}_se": spread.se}
    epoch = round(fmean(report.epoch - (report.fold - 1) * epochs for report in counted))
    best = EpochReport(epoch, metrics, result.history[-1].elapsed_s, fmean(worth.value for worth in worths))
    return replace(result, best=best)
