"""Timing of configurations: real trainings in the workers of a search, each for a few seconds."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from ....errors import MachineError
from ....training.config import TrialConfig
from ....training.report import Activity, EpochReport, Signal, Status
from ...executors.base import Blocked, Busy, Crashed, Ended, Event, Executor, Job, Lost, Reported
from ...loop.watchdog import STOP_WITHIN_S
from .memory import peak_bytes

LEAST_S = 1.0
"""Seconds that the epochs after the first take together, at least: a hiccup of the machine would be most of less."""
MOST_S = 6.0
"""How long a configuration trains at most, from its first batch on, if it has come to its third by then."""
LEAST_BATCHES = 3
"""The first batch finds memory and caches cold; two more have a time."""
FORWARD = 1 / 3
"""The share of a training step that its forward pass takes: the backward pass has two products for each of its own."""
PEAK_MB = "peak_memory_mb"
TICK_S = 0.2


@dataclass(frozen=True, slots=True)
class Timing:
    """What a training took of one worker, in seconds.

    `start_s` goes by before the first epoch, and by its being slower than others; `epoch_s` is an epoch, its validation
    included; `end_s` goes by from the last epoch until the worker is free. `peak_bytes` is the memory of the worker at
    most so far, `card_bytes` what its tensors had of a card; None where that cannot be told. `failure` says in words
    why there was nothing to measure.
    """

    start_s: float = 0.0
    epoch_s: float = 0.0
    end_s: float = 0.0
    peak_bytes: int | None = None
    card_bytes: int | None = None
    failure: str = ""


@dataclass(slots=True)
class _Run:
    """A training that is timed: when each of its events came, by the monotonic clock."""

    began: float
    reports: list[tuple[float, EpochReport]] = field(default_factory=list)
    batches: list[tuple[float, Activity]] = field(default_factory=list)  # of the first epoch
    asked: float | None = None
    ended: float | None = None
    peak_bytes: int | None = None
    failure: str = ""

    @property
    def is_enough(self) -> bool:
        """Whether an epoch's time is known well enough."""
        if len(self.reports) > 1 and self.reports[-1][0] - self.reports[0][0] >= LEAST_S:
            return True
        told = self.batches or self.reports
        is_long = bool(told) and time.monotonic() - told[0][0] >= MOST_S
        return is_long and (bool(self.reports) or self._count >= LEAST_BATCHES)

    @property
    def _count(self) -> int:
        return self.batches[-1][1].done if self.batches else 0

    def timing(self, validated: float) -> Timing:
        """What it took; `validated` are the validation images per training image."""
        if self.failure or not (self.reports or self._count >= LEAST_BATCHES):
            return Timing(peak_bytes=self.peak_bytes, failure=self.failure or "it ended before its third batch")
        epoch_s = self._epoch_s(validated)
        first = self.reports[0][0] - epoch_s if self.reports else self.batches[0][0]
        last = max(self.reports[-1][0] if self.reports else 0.0, self.asked or 0.0)
        ended = self.ended or last
        return Timing(
            max(0.0, first - self.began), epoch_s, max(0.0, ended - last), self.peak_bytes, self._card_bytes()
        )

    def _card_bytes(self) -> int | None:
        peaks = [report.metrics[PEAK_MB] for _, report in self.reports if PEAK_MB in report.metrics]
        return int(max(peaks) * 2**20) if peaks else None

    def _epoch_s(self, validated: float) -> float:
        if len(self.reports) > 1:
            (first_at, first_report), (last_at, last_report) = self.reports[0], self.reports[-1]
            # reports of short epochs may come at once; what lies between epochs is in no report
            took_s = max(last_at - first_at, last_report.elapsed_s - first_report.elapsed_s)
            return took_s / (len(self.reports) - 1)
        if self.reports:
            return self.reports[0][1].elapsed_s
        (first_at, first), (last_at, last) = self.batches[0], self.batches[-1]
        batch_s = (last_at - first_at) / max(1, last.done - first.done)
        return batch_s * last.total * (1 + FORWARD * validated)


class Stopwatch:
    """Times configurations on all workers of `executor`, with `pack`, in `folder`.

    `validated` are the validation images per training image.
    """

    def __init__(self, executor: Executor, pack: Path, folder: Path, validated: float) -> None:
        self._executor, self._pack, self._folder, self._validated = executor, pack, folder, validated
        self._runs: dict[int, _Run] = {}
        self._next = 0

    def time(self, config: TrialConfig) -> Timing:
        """Train `config` on every worker at once, and take the mean.

        Raises:
            MachineError: the machine lets no training go on.
            TrainingError: no worker starts.
        """
        self._runs = {}
        for _ in range(self._executor.slots):
            self._submit(config)
        while any(run.ended is None for run in self._runs.values()):
            self._follow(self._executor.next_events(TICK_S))
            # all or none: a neighbour that has ended would make the others faster
            if all(run.is_enough or run.ended for run in self._runs.values()):
                self._stop()
        return _mean([run.timing(self._validated) for run in self._runs.values()])

    def _submit(self, config: TrialConfig) -> None:
        number, self._next = self._next, self._next + 1
        self._runs[number] = _Run(time.monotonic())
        self._executor.submit(Job(number, config, self._folder / str(number), self._pack))

    def _stop(self) -> None:
        for number, run in self._runs.items():
            if run.asked is None and run.ended is None:
                run.asked = time.monotonic()
                self._executor.signal(number, Signal.STOP, STOP_WITHIN_S)

    def _follow(self, events: Sequence[Event]) -> None:
        now, pids = time.monotonic(), self._executor.pids
        for number, run in self._runs.items():
            if number in pids:
                run.peak_bytes = peak_bytes(pids[number]) or run.peak_bytes
        for event in events:
            run = self._runs[event.number]
            match event:
                case Busy(activity=activity) if activity.total and not run.reports:
                    run.batches.append((now, activity))
                case Reported(report=report):
                    run.reports.append((now, report))
                case Blocked(reason=reason):
                    raise MachineError(reason)
                case Lost(reason=failure) | Crashed(error=failure):
                    run.ended, run.failure = now, failure
                case Ended(result=result):
                    run.ended = now
                    run.failure = result.message if result.status in _FAILED else ""


_FAILED = {Status.OUT_OF_MEMORY, Status.CROWDED, Status.DIVERGED}


def _mean(timings: Sequence[Timing]) -> Timing:
    failed = next((timing for timing in timings if timing.failure), None)
    if failed is not None:
        return failed
    peaks = [timing.peak_bytes for timing in timings if timing.peak_bytes is not None]
    cards = [timing.card_bytes for timing in timings if timing.card_bytes is not None]
    return Timing(
        fmean(timing.start_s for timing in timings),
        fmean(timing.epoch_s for timing in timings),
        fmean(timing.end_s for timing in timings),
        max(peaks, default=None),
        max(cards, default=None),
    )
