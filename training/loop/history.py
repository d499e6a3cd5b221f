"""The epochs of a training, the one that counts, and early stopping."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from ..config import BudgetConfig, ObjectiveConfig
from ..metric_names import improves
from ..report import EpochReport, Status, TrainResult, Verdict, VerdictKind
from ..setting import Setting


class Progress:
    """The history of a training, and the epoch of it that counts.

    Without an objective (no validation split) that is the last. `before_s` seconds were trained before its first epoch.
    """

    def __init__(self, objective: ObjectiveConfig | None, before_s: float = 0.0) -> None:
        self._objective, self._before_s = objective, before_s
        self.history: list[EpochReport] = []
        self.best: EpochReport | None = None
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep a decision for the result's notes, once."""
        if text and text not in self.notes:
            self.notes.append(text)

    def add(self, report: EpochReport) -> EpochReport:
        """Append an epoch's report; return it with what the training is now worth."""
        worth = None if self._objective is None else self._objective.worth([*self.history, report])
        if worth is None:
            self.best = report
        else:
            report = replace(report, worth=worth.value, others=worth.others)
            self.best = report if worth.epoch == report.epoch else self.best
        self.history.append(report)
        return report

    def stale(self, budget: BudgetConfig) -> bool:
        """Whether the last `budget.patience` epochs brought no improvement.

        An improvement is one of more than `budget.min_delta`. Never without an objective or patience.
        """
        if self._objective is None or budget.patience is None:
            return False
        metric = budget.patience_metric or self._objective.metric
        best, waited = None, 0
        for value in self.values(metric) if budget.patience_metric else self.worths:
            if improves(metric, value, best, budget.min_delta):
                # note: the best is the last value that counted as an improvement, not the lowest: many small gains
                # below min_delta add up to one.
                best, waited = value, 0
            else:
                waited += 1
        return waited >= budget.patience

    def values(self, metric: str) -> list[float]:
        """The values of `metric` by epoch."""
        return [report.metrics[metric] for report in self.history]

    @property
    def worths(self) -> list[float]:
        """What the training was worth by epoch; empty without an objective."""
        return [report.worth for report in self.history if report.worth is not None]

    @property
    def elapsed_s(self) -> float:
        """Training time so far, in seconds."""
        return self.history[-1].elapsed_s if self.history else self._before_s

    def result(self, status: Status, message: str = "", *, early_stopped: bool = False) -> TrainResult:
        """The result of the training, ended with `status`."""
        return TrainResult(status, self.best, tuple(self.history), early_stopped, message, tuple(self.notes))


def report_to_json(report: EpochReport) -> dict[str, Any]:
    """Return an epoch report as plain JSON values."""
    return {**asdict(report), "metrics": dict(report.metrics)}


def report_from_json(value: Mapping[str, Any]) -> EpochReport:
    """Return the report that `report_to_json` encoded."""
    # those of earlier versions have none of the rest
    rest = tuple(value.get("others", ())), value.get("fold", 0), value.get("ends_fold", False)
    return EpochReport(value["epoch"], dict(value["metrics"]), value["elapsed_s"], value.get("worth"), *rest)


def result_to_json(result: TrainResult) -> dict[str, Any]:
    """Return a result as plain JSON values, the content of result.json."""
    return {**asdict(result), "status": result.status.value}


def result_from_json(value: Mapping[str, Any]) -> TrainResult:
    """Return the result that `result_to_json` encoded."""
    best = value["best"]
    return TrainResult(
        status=Status(value["status"]),
        best=None if best is None else report_from_json(best),
        history=tuple(report_from_json(report) for report in value["history"]),
        early_stopped=value["early_stopped"],
        message=value["message"],
        notes=tuple(value["notes"]),
        lr_factors=tuple(value.get("lr_factors", ())),  # result files of earlier versions have none
        verdict=None if value["verdict"] is None else verdict_from_json(value["verdict"]),
        excesses=dict(value.get("excesses", {})),
    )


def verdict_from_json(value: Mapping[str, Any]) -> Verdict:
    """Return the verdict in what `result_to_json` encoded."""
    settings = tuple(Setting(**setting) for setting in value.get("settings", ()))  # older ones have none
    return Verdict(VerdictKind(value["kind"]), value["evidence"], value["advice"], settings)
