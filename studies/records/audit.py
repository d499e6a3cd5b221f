"""What the audited trials of a study say of stopping: how often it would have been wrong, what it saved and cost."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ...common.interval import wilson
from .rungs import Rung
from .trial import PAUSED, TrialRecord


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The audit of a study, by the trials that ran on where they would have been stopped.

    These were drawn among all that were to be stopped, so that shares of the `ended` are estimates for all of these.
    Stopping one would have been wrong where it ended better than those that nothing stopped, `let_through` of them:
    than their median (`above_median`), or even than the best of them (`above_best`).

    Attributes:
        share: of the trials to be stopped that run on, as the newest run has it.
        audited: the audited trials.
        ended: those of them that have come to their end, or failed on the way to it by their configuration's fault.
        resumed: those that a scheduler with rungs would have resumed, by the final ranks there: they were not stopped,
            and are not among the `ended`.
        above_median: of the ended, those that ended better than the median of the trials that were let through.
        above_best: of the ended, those that ended better than the best of these.
        let_through: complete trials that are not audited, and have the budget of the study.
        saved_epochs: that the stopped trials were not trained, estimated: of what was left of their budgets the part
            that audited ones trained.
        cost_epochs: that audited trials have trained beyond where they would have been stopped.
    """

    share: float
    audited: tuple[int, ...]
    ended: tuple[int, ...]
    resumed: tuple[int, ...]
    above_median: tuple[int, ...]
    above_best: tuple[int, ...]
    let_through: int
    saved_epochs: int
    cost_epochs: int

    def interval(self, wrong: Sequence[int]) -> tuple[float, float] | None:
        """The 95 % interval of the share of wrong stops, of which `wrong` were seen; None before a trial has ended."""
        return wilson(len(wrong), len(self.ended)) if self.ended else None

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `audit`."""
        counts = {name: list(getattr(self, name)) for name in ("audited", "ended", "resumed")}
        wrong = {
            name: {"trials": list(trials), "interval": self.interval(trials)}
            for name, trials in (("above_median", self.above_median), ("above_best", self.above_best))
        }
        epochs = {"saved_epochs": self.saved_epochs, "cost_epochs": self.cost_epochs}
        return {"share": self.share, **counts, "let_through": self.let_through, **wrong, **epochs}


def audit_of(trials: Sequence[TrialRecord], rungs: Sequence[Rung], direction: str, share: float) -> AuditReport | None:
    """The report on the audited ones of `trials`; None where none is, and no `share` is to be.

    Trials of other programs and extensions, whose budget is another, are left out.
    """
    ours = [trial for trial in trials if trial.config and trial.extends is None]
    audited = [trial for trial in ours if trial.audit is not None]
    if not audited and not share:
        return None
    sign = 1.0 if direction == "maximize" else -1.0
    resumed = tuple(trial.number for trial in audited if _would_be_resumed(trial, rungs))
    ended = [trial for trial in audited if trial.number not in resumed and _has_ended(trial)]
    let_through = [sign * each.value for each in _complete(ours) if each.audit is None and each.value is not None]

    def better_than(level: Callable[[list[float]], float]) -> tuple[int, ...]:
        if not let_through:
            return ()
        least, complete = level(let_through), _complete(ended)
        return tuple(each.number for each in complete if each.value is not None and sign * each.value > least)

    return AuditReport(
        share=share,
        audited=tuple(trial.number for trial in audited),
        ended=tuple(trial.number for trial in ended),
        resumed=resumed,
        above_median=better_than(median),
        above_best=better_than(max),
        let_through=len(let_through),
        saved_epochs=round(_left(each for each in ours if _was_stopped(each)) * _share_trained(ended)),
        cost_epochs=sum(_beyond(trial) for trial in audited),
    )


def _complete(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    return [trial for trial in trials if trial.state == "complete"]


def _has_ended(trial: TrialRecord) -> bool:
    """Whether an audited trial shows what stopping it was worth: an error of the code, say, shows nothing."""
    return trial.state == "complete" or (trial.state == "pruned" and trial.cause is not None)


def _was_stopped(trial: TrialRecord) -> bool:
    return trial.state in ("pruned", PAUSED) and trial.cause is None


def _would_be_resumed(trial: TrialRecord, rungs: Sequence[Rung]) -> bool:
    """Whether an audited trial ranks so high, where it would have paused, that it would have been promoted later."""
    number = None if trial.audit is None else trial.audit.get("rung")
    if not isinstance(number, int) or not 0 <= number < len(rungs) or trial.number not in rungs[number].ranks:
        return False
    rung = rungs[number]
    better = sum(rank < rung.ranks[trial.number] for each, rank in rung.ranks.items() if each not in rung.audited)
    return better < len(rung.promoted)


def _beyond(trial: TrialRecord) -> int:
    """The epochs that an audited trial has trained beyond where it would have been stopped."""
    return max(0, trial.epochs - _stop(trial))


def _stop(trial: TrialRecord) -> int:
    epoch = (trial.audit or {}).get("epoch")
    return epoch if isinstance(epoch, int) else trial.epochs


def _left(trials: Iterable[TrialRecord]) -> int:
    """The epochs of their budgets that trials have not trained."""
    return sum(max(0, (trial.planned_epochs or 0) - trial.epochs) for trial in trials)


def _share_trained(ended: Iterable[TrialRecord]) -> float:
    """Of the epochs that audited trials had left where they would have been stopped, the share that they trained.

    Patience and divergence end some before; 1 where none has ended.
    """
    trials = list(ended)
    planned = sum(max(0, (trial.planned_epochs or 0) - _stop(trial)) for trial in trials)
    return sum(map(_beyond, trials)) / planned if planned else 1.0
