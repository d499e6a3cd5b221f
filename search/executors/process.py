"""The default executor: worker processes that live for the whole run.

Each worker imports torch once, is pinned to its GPU or its share of the cores, and can be killed without hurting the
others: its trial is reported lost, and a new worker takes its place when there is a job for it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path

from ...errors import TrainingError
from ...training.report import IMPORTING, Activity, EpochReport, Signal, Status, TrainResult
from .base import Blocked, Busy, Crashed, Ended, Event, Executor, Job, Lost, Reported, no_slot
from .registry import EXECUTORS
from .worker_process import Placement, Ready, WorkerProcess

# starts in a row that end before the worker is ready: one may be bad luck on a busy machine, three are a broken
# installation, which would be tried for ever
STARTUP_FAILURES = 3


@dataclass(slots=True)
class _Slot:
    """The slot of one worker.

    `worker` is the process in it now, None where that died; `number` the trial that it has.
    """

    placement: Placement
    log: Path
    worker: WorkerProcess | None
    number: int | None = None
    failures: int = field(default=0)  # starts in a row that never became ready


class ProcessExecutor(Executor):
    """Runs one job per worker process.

    `placements` says where each worker runs, `logs` is the folder for what they print.
    """

    def __init__(self, placements: Sequence[Placement], logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.slots = len(placements)
        paths = [logs / f"worker-{i}.log" for i in range(self.slots)]
        self._slots = [
            _Slot(placement, log, WorkerProcess(placement, log))
            for placement, log in zip(placements, paths, strict=True)
        ]
        self._wishes: dict[int, Signal] = {}  # by trial; a signal handler writes here and touches no connection
        self._events: deque[Event] = deque()

    @property
    def pids(self) -> dict[int, int]:
        """The worker process of each running trial: trial number -> pid."""
        return {slot.number: slot.worker.pid for slot in self._slots if slot.worker and slot.number is not None}

    def submit(self, job: Job) -> None:
        """Hand `job` to a free worker, which may still be starting."""
        slot = next((slot for slot in self._slots if slot.number is None), None)
        if slot is None:
            raise no_slot(self.slots)
        slot.number = job.number
        self._wishes.pop(job.number, None)  # a stop that came too late for the trial's last run
        if slot.worker is None:
            slot.worker = WorkerProcess(slot.placement, slot.log)
        slot.worker.send(job)
        if not slot.worker.ready:
            self._events.append(Busy(job.number, IMPORTING))

    def stop(self, number: int) -> None:
        """Ask trial `number` to stop at its next batch."""
        self._wishes[number] = Signal.STOP

    def pause(self, number: int) -> None:
        """Ask trial `number` to pause at its next batch."""
        self._wishes[number] = Signal.PAUSE

    def next_event(self, timeout_s: float | None = None) -> Event | None:
        """Wait for a worker to say something or to die."""
        self._deliver_wishes()
        while not self._events and any(slot.number is not None for slot in self._slots):
            workers = [(slot, slot.worker) for slot in self._slots if slot.worker]
            readable = wait([worker.connection for _, worker in workers], timeout_s)
            if not readable:
                return None
            for slot, worker in workers:
                if worker.connection in readable:  # a dead worker's is readable, too
                    self._receive(slot, worker)
        return self._events.popleft() if self._events else None

    def close(self) -> None:
        """Kill every worker."""
        for slot in self._slots:
            if slot.worker:
                slot.worker.kill()

    def _deliver_wishes(self) -> None:
        for slot in self._slots:
            wish = None if slot.number is None else self._wishes.pop(slot.number, None)
            if wish is None or slot.worker is None:
                continue
            if wish is Signal.PAUSE and not slot.worker.ready:
                self._withdraw(slot, slot.worker)
            else:
                slot.worker.send(wish)
        self._wishes.clear()

    def _withdraw(self, slot: _Slot, worker: WorkerProcess) -> None:
        """Take the job back from a worker that has not begun it."""
        # it may be busy with its own start for long, and Ctrl-C must not wait for that
        worker.kill()
        self._events.append(Ended(_number(slot), TrainResult(Status.PAUSED, None, ())))
        slot.number = slot.worker = None

    def _receive(self, slot: _Slot, worker: WorkerProcess) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._bury(slot, worker)
            return
        if isinstance(message, Ready):
            worker.ready, slot.failures = True, 0
        elif isinstance(message, EpochReport):
            self._events.append(Reported(_number(slot), message))
        elif isinstance(message, Activity):
            self._events.append(Busy(_number(slot), message))
        elif isinstance(message, TrainResult):
            self._events.append(Ended(_number(slot), message))
            slot.number = None
        elif isinstance(message, Crashed | Blocked):
            self._events.append(message)
            slot.number = None
        elif isinstance(message, Lost):  # it ends itself, but a job may come before it has
            worker.kill()
            self._events.append(message)
            slot.number = slot.worker = None

    def _bury(self, slot: _Slot, worker: WorkerProcess) -> None:
        reason = worker.reap()
        slot.failures += 0 if worker.ready else 1
        if slot.failures >= STARTUP_FAILURES:
            raise TrainingError(f"a worker must start, but {STARTUP_FAILURES} in a row died: {reason}\nsee {slot.log}")
        if slot.number is not None:
            self._events.append(Lost(slot.number, reason))
        slot.number = slot.worker = None


def _number(slot: _Slot) -> int:
    if slot.number is None:
        raise RuntimeError("a worker without a trial spoke of one")
    return slot.number


EXECUTORS.add("process", ProcessExecutor)
