"""One prediction for the monitor, and the log that takes it.

The server hands every answered image over after its answer is decided. What the monitor derives from the image, such
as `input_statistics`, is computed on the monitor's own thread: a request never waits for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fastapi import APIRouter


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer to one image.

    `time` in seconds since 1970; `request_id` and `index`, the image's place in the request, name it; `arm` is
    `champion` or `challenger`, and `shadow` says that the caller got the other arm's answer; `model_version` is the
    manifest's. `probabilities` float32 [classes], calibrated where the export has a temperature; `class_index` its
    largest, `confidence` that one's value. `latency_s` from the end of the request's body to the answer. `image` is
    the model's input, uint8 [channels, size, size]; it must not be written to.
    """

    time: float
    request_id: str
    index: int
    arm: str
    shadow: bool
    model_version: str
    class_index: int
    class_name: str
    confidence: float
    probabilities: NDArray[np.float32]
    latency_s: float
    image: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LogState:
    """The state of a log in this process.

    `written`, `dropped` and `waiting` count predictions; `failure` says what is wrong, "" where nothing is; `evidence`
    is, per model version, how near the next drift alarm is (0 to 1); `alarms` counts those raised, per model version
    and what changed.
    """

    written: int = 0
    dropped: int = 0
    waiting: int = 0
    failure: str = ""
    evidence: Mapping[str, float] = field(default_factory=dict)
    alarms: Mapping[tuple[str, str], int] = field(default_factory=dict)


class PredictionLog(Protocol):
    """A log of predictions.

    All calls come from the server's event loop: `record` must return at once and never raise.
    """

    @property
    def state(self) -> LogState:
        """Return the state of the log."""
        ...

    def routers(self) -> "Sequence[APIRouter]":
        """Return the routes that it adds to the server."""
        ...

    def record(self, prediction: Prediction) -> None:
        """Take one prediction.

        A log that is full drops it and counts that.
        """

    def close(self) -> None:
        """Write what is still held; the last call."""


class Forgetful:
    """A log that keeps nothing, for serving without a monitor."""

    @property
    def state(self) -> LogState:
        """Return the state of a log without failures."""
        return LogState()

    def routers(self) -> "Sequence[APIRouter]":
        """Return no routes."""
        return ()

    def record(self, prediction: Prediction) -> None:
        """Drop the prediction."""

    def close(self) -> None:
        """Do nothing."""
