"""Those who are told of a search: the tracker and the progress view."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ...common.folds import spread_of
from ...studies.book.terms import Audited, Refused, Stopped, TrialState
from ...studies.tracking.events import Epoch, TrialEnded, TrialNoted, TrialPaused, TrialStarted
from ...studies.tracking.events import TrialState as TrackedState
from ...studies.tracking.tracker import Tracker
from ...training.report import Activity, EpochReport, Status, TrainResult
from ..configuration.claim import Claim
from ..progress.base import Progress


class Observers:
    """Tells the tracker and the progress view of each trial; `directory(number)` is its folder."""

    def __init__(self, tracker: Tracker, progress: Progress, directory: Callable[[int], Path]) -> None:
        self._tracker, self._progress, self._directory = tracker, progress, directory

    def started(self, claim: Claim) -> None:
        """A trial has a slot."""
        numerics = {"precision": claim.config.precision.dtype, "compile": claim.config.compile}
        lineage = {} if claim.extends is None else {"extends": claim.extends}
        self._tracker.tell(TrialStarted(claim.number, claim.params, {"trial": claim.number, **numerics, **lineage}))
        config = claim.config
        by_epoch = {step * config.epochs_a_step: value for step, value in claim.curve.items()}
        self._progress.trial_started(claim.number, claim.params, config.steps * config.epochs_a_step, by_epoch)

    def refused(self, trial: Refused) -> None:
        """A trial failed before it began."""
        self._passed(trial)
        self.ended(trial.number, TrialState.FAIL, None, "failed", trial.reason, {}, {})

    def paused(self, claim: Claim, rung: int, value: float | None) -> None:
        """A trial waits at a rung with objective `value`, and its slot is free."""
        metrics = {} if value is None else {claim.config.objective.name: value}
        self._tracker.tell(TrialPaused(claim.number, rung, metrics))
        self._progress.trial_paused(claim.number, rung, value)

    def audited(self, number: int, decision: Audited) -> None:
        """A trial runs on that would have been stopped or paused."""
        self._tracker.tell(TrialNoted(number, {"audit_epoch": decision.epoch}))
        end = "stopped" if decision.rung is None else f"paused at rung {decision.rung}"
        self.note(f"trial {number} would be {end} after epoch {decision.epoch}, and runs on for the audit")

    def stopped(self, trial: Stopped) -> None:
        """A trial that was to be stopped, or was paused at a rung, has ended without being run again."""
        if trial.rung is None:  # else it is known by name
            self._passed(trial)
        self.ended(trial.number, TrialState.PRUNED, trial.value, "stopped", "", {}, {})

    def _passed(self, trial: Refused | Stopped) -> None:
        """Name a trial that has no slot."""
        self._tracker.tell(TrialStarted(trial.number, dict(trial.params), {"trial": trial.number}))
        self._progress.trial_started(trial.number, dict(trial.params), 0, {})

    def missed(self, number: int, reports: Iterable[EpochReport]) -> None:
        """Epochs whose reports did not arrive while the trial ran."""
        for report in reports:
            self._tracker.tell(Epoch(number, report.epoch, report.metrics))

    def busy(self, number: int, activity: Activity) -> None:
        """The activity of a trial."""
        self._progress.busy(number, activity)

    def epoch(self, number: int, report: EpochReport, value: float) -> None:
        """An epoch has ended with objective `value`."""
        self._tracker.tell(Epoch(number, report.epoch, report.metrics))
        self._progress.epoch(number, report, value)

    def trained(self, claim: Claim, state: TrialState, value: float | None, result: TrainResult) -> None:
        """A training has ended, and its trial in `state` with objective `value`."""
        objective = claim.config.objective
        metrics = {} if value is None else {objective.name: value}
        if spread := spread_of([worth.value for worth in objective.worths(result.history)]):
            metrics |= {f"{objective.name}_sd": spread.sd, f"{objective.name}_se": spread.se}
        broken = [name for name, excess in result.excesses.items() if excess > 0]
        tags = _verdict_tags(result) | ({"breaks": ", ".join(broken)} if broken else {})
        status = Status.VIOLATED if broken and result.status is Status.FINISHED else result.status
        self.ended(claim.number, state, None if broken else value, status.value, result.message, metrics, tags)

    def broke(self, number: int, error: str) -> None:
        """A trial broke; the tracker is told when it is known whether it has failed."""
        self._progress.trial_ended(number, "FAIL", None, "failed", error)

    def failed(self, number: int, error: str) -> None:
        """A trial that broke has failed by its own fault."""
        self._track_end(number, "FAIL", {}, {"status": "failed", "message": error})

    def ended(
        self,
        number: int,
        state: TrialState,
        value: float | None,
        status: str,
        message: str,
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
    ) -> None:
        """A trial has ended in `state`; `status` says how its training did."""
        tracked = _tracked(state)
        self._track_end(number, tracked, metrics, {"status": status, "message": message, **tags})
        self._progress.trial_ended(number, tracked, value, status, message)

    def note(self, text: str) -> None:
        """A line that a person should read."""
        self._progress.note(text)

    def _track_end(
        self, number: int, state: TrackedState, metrics: Mapping[str, float], tags: Mapping[str, str]
    ) -> None:
        config = self._directory(number) / "config.json"
        self._tracker.tell(TrialEnded(number, state, metrics, tags, [config] if config.exists() else []))


def _tracked(state: TrialState) -> TrackedState:
    return "COMPLETE" if state is TrialState.COMPLETE else "PRUNED" if state is TrialState.PRUNED else "FAIL"


def _verdict_tags(result: TrainResult) -> dict[str, str]:
    verdict = result.verdict
    return {} if verdict is None else {"verdict": verdict.kind.value, "verdict_evidence": verdict.evidence}
