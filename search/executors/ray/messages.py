"""What the coordinator and a place of the cluster say to each other.

Downwards come Start, Work, Wish and End; upwards (run, message), where `run` counts the worker processes of the place,
so that the late word of one that was given up is known. A message is whatever a worker on one machine would say, or one
of those below. In between all of it is bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from pickle import loads
from typing import Any

from ....training.report import Signal
from ..base import Fault, Job


@dataclass(frozen=True, slots=True)
class Start:
    """Start the worker process number `run`; the one before is not needed any more."""

    run: int


@dataclass(frozen=True, slots=True)
class Work:
    """Give worker `run` a job."""

    run: int
    job: Job


@dataclass(frozen=True, slots=True)
class Wish:
    """Give worker `run` a signal for its job."""

    run: int
    signal: Signal


@dataclass(frozen=True, slots=True)
class End:
    """Kill worker `run`."""

    run: int


Order = Start | Work | Wish | End


@dataclass(frozen=True, slots=True)
class Leaving:
    """The training has ended, and its last checkpoint is being shared."""


@dataclass(frozen=True, slots=True)
class Files:
    """The small files that a training has left in its folder, by name."""

    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Unfetched:
    """The checkpoint of a job cannot be fetched, for `reason`: it begins anew."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The worker process has died, for `reason` and by the fault of whom."""

    reason: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class PlaceGone:
    """The place is gone with all that was in it: its node, or the actor."""

    reason: str


def to_bytes(message: object) -> bytes:
    """Return a message as `Connection.recv` reads it."""
    return bytes(ForkingPickler.dumps(message))


def from_bytes(data: bytes) -> Any:
    """Return the message in `data`."""
    return loads(data)
