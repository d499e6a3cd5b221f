"""The contract between the event loop and whatever runs the trials.

An executor takes jobs while it has free slots and gives back events, one at a time. It decides nothing: stopping,
pausing and retrying are the loop's. A job whose directory holds a checkpoint goes on from there, so that resuming
is submitting again.
"""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from ...training.config import TrialConfig
from ...training.report import EpochReport, TrainResult


@dataclass(frozen=True, slots=True)
class Job:
    """A trial to run: its number in the study, its configuration, its directory and its packed data set."""

    number: int
    config: TrialConfig
    directory: Path
    pack: Path


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
    """Training raised: `error` in one line, `traceback` whole; `user_error` where it was an HpoError."""

    number: int
    error: str
    traceback: str
    user_error: bool


Event = Reported | Ended | Lost | Crashed


class Executor(Protocol):
    """Runs up to `slots` jobs at a time. Used as a context manager; leaving it frees every resource."""

    slots: int

    def submit(self, job: Job) -> None:
        """Start `job`, or go on with it where its directory holds a checkpoint.

        Raises:
            RuntimeError: no slot is free, or the trial is already running.
        """
        ...

    def stop(self, number: int) -> None:
        """Ask trial `number` to end at its next batch with Status.STOPPED; without effect if it is not running."""
        ...

    def pause(self, number: int) -> None:
        """Ask trial `number` to leave at its next batch with Status.PAUSED; without effect if it is not running."""
        ...

    def next_event(self, timeout_s: float | None = None) -> Event | None:
        """The next event, or None once `timeout_s` seconds have passed or where nothing is running."""
        ...

    def close(self) -> None:
        """End every worker now, whatever it does; running jobs are abandoned to their last checkpoint."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
