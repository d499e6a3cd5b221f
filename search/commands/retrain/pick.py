"""`--pick`: one trial of a Pareto front, in a user's words."""

from ....errors import StudyError, nearest
from ....studies.records.study import StudySummary
from ....studies.records.trial import TrialRecord
from ....training.metric_names import SHORT

KNEE = "knee"


def pick(summary: StudySummary, wanted: str) -> TrialRecord:
    """Return the trial that `wanted` means: the knee, the best of the front by a metric, or that of a number.

    With one objective the front is its best trial.

    Raises:
        StudyError: it means none, or the study has no complete trial yet.
    """
    if wanted.isdecimal():
        return summary.trial(int(wanted))
    metrics = [metric for metric, _ in summary.objectives]
    metric = SHORT.get(wanted, wanted)
    if wanted != KNEE and metric not in metrics:
        hint = nearest(wanted, [KNEE, *metrics])
        raise StudyError(f"--pick must be knee, a metric of the study or a trial's number, got {wanted!r}; {hint}")
    if summary.best is None:
        raise StudyError(f"--pick {wanted}: study {summary.study} has no complete trial yet; --trial N takes another")
    if wanted == KNEE or not summary.front:
        return summary.best
    axis = metrics.index(metric)
    sign = -1.0 if summary.objectives[axis][1] == "maximize" else 1.0
    return min(summary.front, key=lambda trial: sign * trial.values[axis])
