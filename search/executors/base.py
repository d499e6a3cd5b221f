"""The contract between the event loop and whatever runs the trials.

An executor takes jobs while it has free slots and gives back events. It decides nothing: stopping, pausing and retrying
are the loop's. A job whose directory holds a checkpoint goes on from there, so that resuming is submitting again.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from traceback import format_exc
from typing import Self

from ...common.faults import disk_fault, needs_new_process
from ...errors import DataError, HpoError
from ...studies.shared_files.checkpoint import Checkpoint
from ...training.config import TrialConfig
from ...training.report import Activity, EpochReport, Signal, TrainResult


@dataclass(frozen=True, slots=True)
class Job:
    """A trial to run.

    `number` is that in the study, `directory` its folder, `pack` its packed data set. `generation` tells this run of
    the trial from its others: every event carries it, so that the late word of a worker that was given up is known.
    Where it is to be `alone`, it waits until no other job runs on its card, and none begins beside it. It ends after
    `timeout_s` seconds of training, those before an interruption included. `checkpoint` is what it goes on from where
    it runs on another machine, whose folders are its own.
    """

    number: int
    config: TrialConfig
    directory: Path
    pack: Path
    generation: int = 0
    alone: bool = False
    timeout_s: float = math.inf
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """The activity of trial `number`, for progress views.

    It comes seldom, and never in the place of a report.
    """

    number: int
    generation: int
    activity: Activity


@dataclass(frozen=True, slots=True)
class Resumed:
    """Trial `number` goes on after the epochs of `history`, some of which may never have been heard of.

    They were in the pipe of a worker as its coordinator died.
    """

    number: int
    generation: int
    history: tuple[EpochReport, ...]


@dataclass(frozen=True, slots=True)
class Reported:
    """An epoch of trial `number` has ended."""

    number: int
    generation: int
    report: EpochReport


@dataclass(frozen=True, slots=True)
class Shared:
    """A checkpoint of trial `number`, which runs on another machine, is in the store of shared files."""

    number: int
    generation: int
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Ended:
    """Trial `number` has left its slot with a result."""

    number: int
    generation: int
    result: TrainResult


class Fault(StrEnum):
    """Who is to blame for a lost worker."""

    NODE = "node"  # a machine of a cluster is gone, which may happen to many at once
    MACHINE = "machine"  # the trial had no part in it: a worker died before it took the job
    MEMORY = "memory"  # SIGKILL: the kernel's, for lack of memory, unless a person sent it
    TRIAL = "trial"  # its training took the process down


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker of trial `number` is gone; its checkpoint may remain."""

    number: int
    generation: int
    reason: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Crashed:
    """The training of trial `number` raised.

    `error` is the line for the user, `user_error` says whether it was an HpoError.
    """

    number: int
    generation: int
    error: str
    traceback: str
    user_error: bool


@dataclass(frozen=True, slots=True)
class Blocked:
    """No trial can go on: a disk is full, read-only or gone.

    Trial `number` was the first to find out; its checkpoint remains.
    """

    number: int
    generation: int
    reason: str


Interim = Busy | Resumed | Reported | Shared
"""The events after which a trial is still in its slot."""
Event = Interim | Ended | Lost | Crashed | Blocked


class Executor(ABC):
    """Runs up to `slots` jobs at a time.

    It is used as a context manager; leaving it frees every resource.
    """

    slots: int

    @property
    def pids(self) -> dict[int, int]:
        """The worker process of each running trial, trial number -> pid, where they are on this machine."""
        return {}

    @abstractmethod
    def submit(self, job: Job) -> None:
        """Start `job`, or resume it from the checkpoint in its directory.

        Raises:
            RuntimeError: no slot is free.
        """

    @abstractmethod
    def signal(self, number: int, signal: Signal, within_s: float) -> None:
        """Ask trial `number` to end at its next batch, with Status.STOPPED or PAUSED.

        A worker that has not obeyed after `within_s` seconds is killed: its trial is Lost, by the fault of the machine.
        There is no effect if the trial is not running. The wish is only noted, so that a signal handler may call this;
        `next_events` delivers it.
        """

    @abstractmethod
    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        """Wait for events, and return all that have come; none after `timeout_s` seconds.

        Those of one trial are in their order. Where nothing is running, none come at once.
        """

    @abstractmethod
    def close(self) -> None:
        """End every worker at once; running jobs keep their last checkpoint. May be called again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def no_slot(slots: int) -> RuntimeError:
    """The error of a submit without a free slot."""
    return RuntimeError(f"submit needs a free slot, but all {slots} are taken")


def event_of(job: Job, error: Exception) -> Crashed | Lost | Blocked:
    """The event of an exception that the training of `job` raised.

    It must be called while the exception is being handled.
    """
    user_error = isinstance(error, HpoError)
    line = str(error) if user_error else f"{type(error).__name__}: {error}"
    # all trials share their data, which could be read as the search began
    if fault := line if isinstance(error, DataError) else disk_fault(error):
        return Blocked(job.number, job.generation, line.splitlines()[0] if user_error else fault)
    if needs_new_process(error):  # a broken CUDA context fails every later call in this process
        return Lost(job.number, job.generation, line.splitlines()[0], Fault.TRIAL)
    return Crashed(job.number, job.generation, line, format_exc(), user_error)


def needs_new_worker(event: Crashed | Lost | Blocked) -> bool:
    """Whether a worker that said `event` cannot be trusted with another job."""
    # what is not the user's error may have broken the process for all that follow; a full disk has not
    return isinstance(event, Lost) or (isinstance(event, Crashed) and not event.user_error)
