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
    """A trial to run: its number in the study, its configuration, its directory and its packed data set."""

    number: int
    config: TrialConfig
    directory: Path
    pack: Path


@dataclass(frozen=True, slots=True)
class Busy:
    """What trial `number` is busy with, for whoever watches; seldom, and never in the place of a report."""

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
    """The worker of trial `number` is gone (killed, crashed, machine lost); its checkpoint may remain."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """Training raised: `error` for the user, `traceback` whole; `user_error` where it was an HpoError."""

    number: int
    error: str
    traceback: str
    user_error: bool


@dataclass(frozen=True, slots=True)
class Blocked:
    """No trial can go on, trial `number` for one: a disk is full, read-only or gone. Its checkpoint remains."""

    number: int
    reason: str


Event = Busy | Reported | Ended | Lost | Crashed | Blocked


class Executor(ABC):
    """Runs up to `slots` jobs at a time. Used as a context manager; leaving it frees every resource."""

    slots: int

    @abstractmethod
    def submit(self, job: Job) -> None:
        """Start `job`, or go on with it where its directory holds a checkpoint.

        Raises:
            RuntimeError: no slot is free.
        """

    @abstractmethod
    def stop(self, number: int) -> None:
        """Ask trial `number` to end at its next batch with Status.STOPPED; without effect if it is not running.

        Like `pause` it only notes the wish, so that a signal handler may call it; `next_event` delivers it.
        """

    @abstractmethod
    def pause(self, number: int) -> None:
        """Ask trial `number` to leave at its next batch with Status.PAUSED; without effect if it is not running."""

    @abstractmethod
    def next_event(self, timeout_s: float | None = None) -> Event | None:
        """The next event, or None once `timeout_s` seconds have passed, and at once where nothing is running."""

    @abstractmethod
    def close(self) -> None:
        """End every worker now, whatever it does; running jobs are abandoned to their last checkpoint."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def no_slot(slots: int) -> RuntimeError:
    """The error of a job too many."""
    return RuntimeError(f"submit needs a free slot, but all {slots} are taken")


def event_of(number: int, error: Exception) -> Crashed | Lost | Blocked:
    """What an exception that training raised says of trial `number`; called while it is being handled."""
    user_error = isinstance(error, HpoError)
    line = str(error) if user_error else f"{type(error).__name__}: {error}"
    if fault := disk_fault(error):
        return Blocked(number, line.splitlines()[0] if user_error else fault)
    if needs_new_process(error):
        return Lost(number, line.splitlines()[0])
    return Crashed(number, line, format_exc(), user_error)
