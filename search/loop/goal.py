"""What a search runs to, how it ended, and where its files are."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Outcome(StrEnum):
    """The reason for which the loop ended."""

    DONE = "done"
    EXHAUSTED = "exhausted"
    TIMED_OUT = "timed out"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Goal:
    """The end of a search: `trials` finished in the study, or `deadline`.

    The deadline is in the clock's time; what comes first counts.
    """

    trials: int
    deadline: float = float("inf")


@dataclass(frozen=True, slots=True)
class Places:
    """The paths of a job's data and files."""

    pack: Path
    trial_directory: Callable[[int], Path]
