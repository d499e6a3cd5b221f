"""The executor that trains in this process, one trial at a time.

It is for debugging, tests and machines that cannot spawn.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...training.report import EpochReport, Signal, TrainResult
from .base import Ended, Event, Executor, Job, Reported, Resumed, event_of, no_slot
from .registry import EXECUTORS
from .worker_process import Placement


class InlineExecutor(Executor):
    """Trains one epoch each time the loop asks for an event, on `device`, with so many `threads` of the CPU."""

    slots = 1

    def __init__(self, device: str = "cpu", threads: int = 1) -> None:
        self._device, self._threads = device, threads
        self._job: Job | None = None
        self._run: Iterator[EpochReport | TrainResult] | None = None
        self._signal = Signal.CONTINUE
        self._resumed: list[EpochReport] = []  # the epochs before this run, until they are told

    def submit(self, job: Job) -> None:
        """Take `job`, which trains while events are asked for."""
        from ...training.machine.device import choose_device  # brings torch, which takes seconds
        from ...training.train import train

        if self._job is not None:
            raise no_slot(self.slots)
        choose_device(self._device, self._threads)  # whatever this process has computed before, sums are the same
        self._job, self._signal = job, Signal.CONTINUE
        self._run = train(
            job.config,
            pack=job.pack,
            directory=job.directory,
            device=self._device,
            timeout_s=job.timeout_s,
            signal=lambda: self._signal,
            resumed=self._resumed.extend,
        )

    def signal(self, number: int, signal: Signal, within_s: float) -> None:
        """Ask trial `number` to end at its next batch; this process cannot be killed after `within_s`."""
        if self._job is not None and self._job.number == number:
            self._signal = signal

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        """Train one epoch, whatever `timeout_s` says."""
        # no other worker can report meanwhile, and an epoch cannot be cut short
        if self._job is None or self._run is None:
            return []
        job = self._job
        event = self._next(job, self._run)
        before = [Resumed(job.number, job.generation, tuple(self._resumed))] if self._resumed else []
        self._resumed.clear()
        return [*before, event]

    def _next(self, job: Job, run: Iterator[EpochReport | TrainResult]) -> Event:
        try:
            item = next(run)
        except Exception as error:  # not KeyboardInterrupt: a second Ctrl-C lands in the training itself
            self._free()
            return event_of(job, error)
        if isinstance(item, EpochReport):
            return Reported(job.number, job.generation, item)
        self._free()
        return Ended(job.number, job.generation, item)

    def close(self) -> None:
        """Abandon the running trial to its last checkpoint."""
        self._free()

    def _free(self) -> None:
        self._job = self._run = None


@EXECUTORS.register("inline")
def start_inline(placements: Sequence[Placement], logs: Path) -> InlineExecutor:
    """Run one trial at a time in this process, as the first placement says; `logs` stays empty."""
    return InlineExecutor(placements[0].device, placements[0].threads)
