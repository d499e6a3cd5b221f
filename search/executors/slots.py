"""Slots of workers: what executors have in common whose workers are processes of their own, here or elsewhere.

Each worker imports torch once, has its GPU or its share of the cores, and can be killed without hurting the others: its
trial is reported lost, and a new worker takes its place when there is a job for it. A worker in which a training raised
anything but an error of the user's is renewed as well: its CUDA context, its memory or a library may be broken for all
that follow.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Protocol

from ...errors import TrainingError
from ...training.report import IMPORTING, Activity, EpochReport, Signal, Status, TrainResult
from .base import (
    Blocked,
    Busy,
    Crashed,
    Ended,
    Event,
    Executor,
    Fault,
    Job,
    Lost,
    Reported,
    Resumed,
    needs_new_worker,
    no_slot,
)
from .worker_process import Ready, Taken

# starts in a row that end before the worker is ready: one may be bad luck on a busy machine, three are a broken
# installation, which would be tried for ever
STARTUP_FAILURES = 3
WAITING = Activity("waiting for its card")
_SAY_S = 60.0  # how often a job says that it waits for its card: else it would be taken for one that hangs
_NEVER = float("inf")


class Worker(Protocol):
    """A process that serves jobs; `ready` once it has said so.

    What it says, or its death, makes `connection` readable.
    """

    connection: Connection
    ready: bool

    def send(self, message: Job | Signal) -> None:
        """Post a job or a signal."""
        ...

    def messages(self) -> Iterator[object]:
        """What it has said by now.

        Raises:
            EOFError, OSError: nothing more can come.
        """
        ...

    def kill(self) -> None:
        """Kill it; what it has said can still be received."""
        ...

    def end(self) -> None:
        """Kill it, and hear no more of it."""
        ...

    def reap(self) -> tuple[str, Fault]:
        """Return why it died, and by whose fault."""
        ...


@dataclass(slots=True)
class Slot:
    """The slot of one worker, which `start` starts on `card`, None where it computes on the CPU, and prints to `log`.

    `worker` is the process in it now, None where that died; `job` the trial that it has, which is `sent` once its card
    is free for it and `taken` once the worker says so, and must have left by `deadline` (of the monotonic clock).
    """

    start: Callable[[], Worker]
    card: str | None
    log: str
    worker: Worker | None = None
    job: Job | None = None
    sent: bool = False
    say_at: float = 0.0  # when to say next that it waits for its card
    taken: bool = False
    deadline: float = _NEVER
    failures: int = 0  # starts in a row that never became ready

    def give(self, job: Job) -> None:
        """Take `job`, which the worker has not taken yet."""
        self.job, self.sent, self.say_at, self.taken, self.deadline = job, False, 0.0, False, _NEVER

    def free(self) -> None:
        """Let go of the job."""
        self.job, self.deadline = None, _NEVER


class SlotExecutor(Executor):
    """Runs one job per slot."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.slots, self._slots = len(slots), list(slots)
        # by trial, with the time by which it must be obeyed; a signal handler writes here and touches no connection
        self._wishes: dict[int, tuple[Signal, float]] = {}
        self._events: list[Event] = []

    def submit(self, job: Job) -> None:
        """Hand `job` to a free worker, which may still be starting."""
        free = [slot for slot in self._slots if slot.job is None]
        if not free:
            raise no_slot(self.slots)
        # of cards that are free for it, else any: there it waits
        slot = next((slot for slot in free if self._card_is_free(slot, job)), free[0])
        slot.give(job)
        self._wishes.pop(job.number, None)  # a stop that came too late for the trial's last run
        self._send_jobs()

    def signal(self, number: int, signal: Signal, within_s: float) -> None:
        """Ask trial `number` to end at its next batch; kill its worker after `within_s`."""
        self._wishes[number] = signal, time.monotonic() + within_s

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        """Wait for workers to say something or to die, and kill those that do not obey in time."""
        end = _NEVER if timeout_s is None else time.monotonic() + timeout_s
        self._deliver_wishes()
        self._send_jobs()
        self._say_who_waits()
        while not self._events and any(slot.job for slot in self._slots):
            self._wait(min(end, *(slot.deadline for slot in self._slots)))
            self._kill_overdue()
            self._send_jobs()
            if time.monotonic() >= end:
                break
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Kill every worker."""
        for slot in self._slots:
            if slot.worker:
                slot.worker.end()
                slot.worker = None

    def _wait(self, until: float) -> None:
        """Take what workers say, waiting for the first word `until` then."""
        workers = [(slot, slot.worker) for slot in self._slots if slot.worker]
        timeout_s = None if until == _NEVER else max(0.0, until - time.monotonic())
        readable = wait([worker.connection for _, worker in workers], timeout_s)
        for slot, worker in workers:
            if worker.connection in readable:  # a dead worker's is readable, too
                self._receive(slot, worker)

    def _send_jobs(self) -> None:
        """Send the jobs whose card is free for them."""
        for slot in self._slots:
            job = slot.job
            if job is None or slot.sent or not self._card_is_free(slot, job):
                continue
            slot.sent = True
            if slot.worker is None:
                slot.worker = slot.start()
            slot.worker.send(job)
            if not slot.worker.ready:
                self._events.append(Busy(job.number, job.generation, IMPORTING))

    def _say_who_waits(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.job and not slot.sent and now >= slot.say_at:
                slot.say_at = now + _SAY_S
                self._events.append(Busy(slot.job.number, slot.job.generation, WAITING))

    def _card_is_free(self, slot: Slot, job: Job) -> bool:
        """Whether `job` may run on the card of `slot` now.

        Beside a job that is to be alone nothing begins, also while that one waits for those which run.
        """
        neighbours = [other for other in self._slots if other is not slot and other.job and _share_a_card(slot, other)]
        return not any(other.sent if job.alone else other.job and other.job.alone for other in neighbours)

    def _deliver_wishes(self) -> None:
        wishes, self._wishes = self._wishes, {}  # at once: a signal handler may add one between any two lines
        for slot in self._slots:
            wish = wishes.get(slot.job.number) if slot.job else None
            if wish is None or slot.job is None:
                continue
            signal, deadline = wish
            withdrawn = Ended(slot.job.number, slot.job.generation, TrainResult(Status.PAUSED, None, ()))
            if not slot.sent or slot.worker is None:
                self._leave(slot, withdrawn)
            elif signal is Signal.PAUSE and not slot.worker.ready and deadline > time.monotonic():
                # it may be busy with its own start for long, and Ctrl-C must not wait for that
                self._leave(slot, withdrawn)
                self._renew(slot, slot.worker)
            else:
                slot.worker.send(signal)
                slot.deadline = min(slot.deadline, deadline)

    def _kill_overdue(self) -> None:
        for slot in tuple(self._slots):  # one whose place is gone goes, too
            worker = slot.worker
            if worker is None or time.monotonic() < slot.deadline:
                continue
            worker.kill()
            self._receive(slot, worker)  # what it said before it was killed counts
            if slot.worker is worker:  # its connection has no end yet: the kernel still holds the process
                self._bury(slot, worker)

    def _receive(self, slot: Slot, worker: Worker) -> None:
        """Take all that a worker has said; bury it where nothing more can come."""
        try:
            for message in worker.messages():
                self._take(slot, worker, message)
                if slot.worker is not worker:
                    break
        except (EOFError, OSError):
            self._bury(slot, worker)

    def _take(self, slot: Slot, worker: Worker, message: object) -> None:
        if isinstance(message, Ready):
            worker.ready, slot.failures = True, 0
            return
        job = slot.job
        if job is None:
            raise RuntimeError("a worker without a trial spoke of one")
        match message:
            case Taken():
                slot.taken = True
            case EpochReport():
                self._events.append(Reported(job.number, job.generation, message))
            case Resumed():
                self._events.append(message)
            case Activity():
                self._events.append(Busy(job.number, job.generation, message))
            case TrainResult():
                self._leave(slot, Ended(job.number, job.generation, message))
            case Crashed() | Blocked() | Lost():
                self._leave(slot, message)
                if needs_new_worker(message):
                    self._renew(slot, worker)

    def _bury(self, slot: Slot, worker: Worker) -> None:
        reason, fault = worker.reap()
        slot.worker = None
        slot.failures += 0 if worker.ready else 1
        if slot.failures >= STARTUP_FAILURES:
            raise TrainingError(f"a worker must start, but {STARTUP_FAILURES} in a row died: {reason}\nsee {slot.log}")
        if slot.job is not None:
            # it may have died while it waited for work, and the job has never seen it alive
            blamed = fault if slot.taken else Fault.MACHINE
            self._leave(slot, Lost(slot.job.number, slot.job.generation, reason, blamed))

    def _leave(self, slot: Slot, last: Event) -> None:
        """Free a slot with the last word on its job."""
        self._events.append(last)
        slot.free()

    def _renew(self, slot: Slot, worker: Worker) -> None:
        """End a worker; the next job starts another."""
        worker.end()
        slot.worker = None


def _share_a_card(one: Slot, other: Slot) -> bool:
    return one.card is not None and one.card == other.card
