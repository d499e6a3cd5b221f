"""What a study had spent when each of its trials ended, and how its best value rose."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from .lookup import study_id
from .readable import Readable
from .study import StudySummary
from .trial import TrialRecord
from .wall_time import Span, running, worked


@dataclass(frozen=True, slots=True)
class Moment:
    """The end of the complete `trial` of `value`: what all trials together had spent by then.

    `epochs` they had trained, those under way in part; `wall_s` seconds of search (see wall_time.py); `improves` tells
    whether none that had ended before was as good.
    """

    trial: int
    value: float
    epochs: float
    wall_s: float
    improves: bool


def timeline(storage: Readable, summary: StudySummary) -> tuple[Moment, ...]:
    """The ends of the complete trials of a study, in order of time.

    There is no record of when an epoch ended: those of a trial are taken as spread evenly over its time.
    """
    frozen = storage.get_all_trials(study_id(storage, summary.study), deepcopy=False)
    spans = list(running(frozen))
    ends = {trial.number: span[1] for trial, span in spans}
    complete = [record for record in summary.ranking() if record.number in ends]
    complete.sort(key=lambda record: (ends[record.number], record.number))
    at = np.array([ends[record.number].timestamp() for record in complete])
    epochs = _spent([span for _, span in spans], [len(trial.intermediate_values) for trial, _ in spans], at)
    blocks = worked(frozen)
    wall_s = _spent(blocks, [(end - start).total_seconds() for start, end in blocks], at)
    return tuple(_moments(complete, epochs, wall_s, 1 if summary.direction == "maximize" else -1))


def _moments(
    complete: Sequence[TrialRecord], epochs: Sequence[float], wall_s: Sequence[float], sign: int
) -> Iterator[Moment]:
    best = -inf
    for record, trained, seconds in zip(complete, epochs, wall_s, strict=True):
        value = record.value or 0.0
        yield Moment(record.number, value, trained, seconds, sign * value > best)
        best = max(best, sign * value)


def _spent(spans: Sequence[Span], amounts: Sequence[float], at: NDArray[np.float64]) -> list[float]:
    """Of `amounts` that are each spread evenly over one of `spans`, the sum that was spent `at` each time."""
    total = np.zeros(len(at))
    for (start, end), amount in zip(spans, amounts, strict=True):
        length = (end - start).total_seconds()
        passed = at - start.timestamp()
        # rounded: the end of a trial itself must count as its end
        total += amount * (np.clip(passed / length, 0, 1) if length > 0 else (passed >= -1e-6))
    return [float(value) for value in np.round(total, 6)]
