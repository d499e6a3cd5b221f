"""The executor that replays learning curves, without any training.

In virtual time a search of days runs in milliseconds, and twice the same: it shows what a strategy would do and what
the event loop does when workers die. In real time it shows how long workers wait for their coordinator.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...training.loop.history import Progress
from ...training.report import EpochReport, Signal, Status
from .base import Ended, Event, Executor, Fault, Job, Lost, Reported, Resumed, no_slot
from .clock import SystemClock, VirtualClock

Curve = Callable[[Job], Sequence[EpochReport]]


@dataclass(slots=True)
class _Run:
    """A trial in a slot, with its curve, epochs done and signal."""

    job: Job
    curve: Sequence[EpochReport]
    done: int
    signal: Signal = Signal.CONTINUE


@dataclass(eq=False)
class SimulatedExecutor(Executor):
    """Replays `curve(job)` in the seconds of `clock`.

    Report k comes its `elapsed_s` after the start, whenever those before were fetched, and `start_s` later, the time
    in which a worker makes ready each time that it is given a trial. `losses` kills the worker of a
    trial once: trial number -> the epoch during which it dies. `checkpoints` (trial number -> epochs done) is the disk:
    hand it to a second executor to go on where the first was stopped.
    """

    curve: Curve
    slots: int
    clock: VirtualClock | SystemClock
    losses: Mapping[int, int] = field(default_factory=dict)
    checkpoints: dict[int, int] = field(default_factory=dict)
    start_s: float = 0.0
    _runs: dict[int, _Run] = field(default_factory=dict)
    _due: list[tuple[float, int]] = field(default_factory=list)  # a heap of (time, trial number)
    _told: list[Event] = field(default_factory=list)  # what takes no time
    _lost: set[int] = field(default_factory=set)

    def submit(self, job: Job) -> None:
        """Start `job` at its checkpoint."""
        if len(self._runs) >= self.slots:
            raise no_slot(self.slots)
        run = _Run(job, followed(job, self.curve(job)).history, self.checkpoints.get(job.number, 0))
        self._runs[job.number] = run
        if run.done:
            self._told.append(Resumed(job.number, job.generation, tuple(run.curve[: run.done])))
        self._plan(job.number, self.clock.now() + self.start_s)

    def signal(self, number: int, signal: Signal, within_s: float) -> None:
        """Stop or pause trial `number` now."""
        run = self._runs.get(number)
        if run is not None:
            run.signal = signal
            # a real worker obeys at its next batch, which in epochs is now: its planned report falls away
            self._due = [due for due in self._due if due[1] != number]
            heapq.heapify(self._due)
            heapq.heappush(self._due, (self.clock.now(), number))

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        """Move the clock to the next event, at most by `timeout_s`; return all that are due then."""
        if self._told or not self._due:
            told, self._told = self._told, []
            return told
        deadline = float("inf") if timeout_s is None else self.clock.now() + timeout_s
        self.clock.advance_to(min(self._due[0][0], deadline))
        events = []
        while self._due and self._due[0][0] <= self.clock.now():
            due, number = heapq.heappop(self._due)
            events.append(self._advance(self._runs[number], due))
        return events

    def close(self) -> None:
        """Drop every run; checkpoints remain."""
        self._runs.clear()
        self._due.clear()

    def _advance(self, run: _Run, now: float) -> Event:
        number, generation = run.job.number, run.job.generation
        if run.done == len(run.curve):  # it has finished, whatever is asked of it now
            return self._end(run, Status.FINISHED)
        if run.signal is not Signal.CONTINUE:
            return self._end(run, Status.STOPPED if run.signal is Signal.STOP else Status.PAUSED)
        if self.losses.get(number) == run.done + 1 and number not in self._lost:
            self._lost.add(number)  # once: the next try gets through
            del self._runs[number]
            return Lost(number, generation, "killed by the simulation", Fault.TRIAL)
        if run.curve[run.done].elapsed_s > run.job.timeout_s:
            return self._end(run, Status.TIMED_OUT)
        report = run.curve[run.done]
        run.done += 1
        self.checkpoints[number] = run.done
        self._plan(number, now)
        return Reported(number, generation, report)

    def _end(self, run: _Run, status: Status) -> Ended:
        del self._runs[run.job.number]
        return Ended(run.job.number, run.job.generation, followed(run.job, run.curve[: run.done]).result(status))

    def _plan(self, number: int, now: float) -> None:
        """Put the next event of trial `number` after `now` on the heap: its next report, or at once its end."""
        run = self._runs[number]
        before = run.curve[run.done - 1].elapsed_s if run.done else 0.0
        after = run.curve[run.done].elapsed_s if run.done < len(run.curve) else before
        after = max(before, min(after, run.job.timeout_s))
        heapq.heappush(self._due, (now + after - before, number))


def followed(job: Job, reports: Iterable[EpochReport]) -> Progress:
    """The progress of a training of `job` that gave these reports."""
    progress = Progress(job.config.objective)
    for report in reports:
        progress.add(report)
    return progress
