"""The contract between the event loop and whatever runs the trials.

An executor takes jobs while it has free slots and gives back events, one at a time. It decides nothing: stopping,
pausing and retrying are the loop's. A job whose directory holds a checkpoint goes on from there, so that resuming
is submitting again.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from traceback import format_exc
from typing import Self

from ...common.faults import disk_fault, needs_new_process
from ...errors import HpoError
from ...training.config import TrialConfig
from ...training.report import Activity, EpochReport, TrainResult


@dataclass(frozen=True, slots=True)
class Job:
    """A trial to run.

    `number` is that in the study, `directory` its folder, `pack` its packed data set.
    """

    number: int
    config: TrialConfig
    directory: Path
    pack: Path


@dataclass(frozen=True, slots=True)
class Busy:
    """The activity of trial `number`, for progress views.

    It comes seldom, and never in the place of a report.
    """

    number: int
    activity: Activity


@dataclass(frozen=True, slots=True)
class Reported:
    """An epoch of trial `number` has ended."""

    number: int
    report: EpochReport


@dataclass(frozen=True, slots=True)
class Ended:
    """Trial `number` has left its slot with a result."""

    number: int
    result: TrainResult


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker of trial `number` is gone; its checkpoint may remain.

    It was killed or crashed, or its machine is lost.
    """

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The training of trial `number` raised.

    `error` is the line for the user, `user_error` says whether it was an HpoError.
    """

    number: int
    error: str
    traceback: str
    user_error: bool


@dataclass(frozen=True, slots=True)
class Blocked:
    """No trial can go on: a disk is full, read-only or gone.

    Trial `number` was the first to find out; its checkpoint remains.
    """

    number: int
    reason: str


Event = Busy | Reported | Ended | Lost | Crashed | Blocked


class Executor(ABC):
    """Runs up to `slots` jobs at a time.

    It is used as a context manager; leaving it frees every resource.
    """

    slots: int

    @abstractmethod
    def submit(self, job: Job) -> None:
        """Start `job`, or resume it from the checkpoint in its directory.

        Raises:
            RuntimeError: no slot is free.
        """

    @abstractmethod
    def stop(self, number: int) -> None:
        """Ask trial `number` to end at its next batch with Status.STOPPED.

        It has no effect if the trial is not running. Like `pause` it only notes the wish, so that a signal handler may
        call it; `next_event` delivers it.
        """

    @abstractmethod
    def pause(self, number: int) -> None:
        """Ask trial `number` to leave at its next batch with Status.PAUSED.

        It has no effect if the trial is not running.
        """

    @abstractmethod
    def next_event(self, timeout_s: float | None = None) -> Event | None:
        """Wait for the next event; None after `timeout_s` seconds.

        Where nothing is running, None comes at once.
        """

    @abstractmethod
    def close(self) -> None:
        """End every worker at once; running jobs keep their last checkpoint."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def no_slot(slots: int) -> RuntimeError:
    """The error of a submit without a free slot."""
    return RuntimeError(f"submit needs a free slot, but all {slots} are taken")


def event_of(number: int, error: Exception) -> Crashed | Lost | Blocked:
    """The event of an exception that the training of trial `number` raised.

    It must be called while the exception is being handled.
    """
    user_error = isinstance(error, HpoError)
    line = str(error) if user_error else f"{type(error).__name__}: {error}"
    if fault := disk_fault(error):
        return Blocked(number, line.splitlines()[0] if user_error else fault)
    if needs_new_process(error):  # a broken CUDA context fails every later call in this process
        return Lost(number, line.splitlines()[0])
    return Crashed(number, line, format_exc(), user_error)
