"""What comes of taking up a trial, and what ends that before its training does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import TrialState

from ...training.config import TrialConfig


@dataclass(frozen=True, slots=True)
class Claim:
    """A trial that this process now owns.

    `curve` is its objective by epoch, as far as it came before; `broke` the error that it was put back to waiting with.
    """

    number: int
    params: dict[str, Any]
    config: TrialConfig
    curve: Mapping[int, float] = field(default_factory=dict)
    broke: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A waiting trial that cannot be run as it stands in the study; it was told FAIL for `reason`, one line."""

    number: int
    params: dict[str, Any]
    reason: str


class TakenError(Exception):
    """Somebody else has told trial `number` how it ended, `state`; it is no longer ours to write to."""

    def __init__(self, number: int, state: TrialState) -> None:
        super().__init__(f"trial {number} was ended by somebody else as {state.name}; its training here stops")
        self.number, self.state = number, state
