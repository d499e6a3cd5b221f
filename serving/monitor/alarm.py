"""An alarm, as it is kept and as a person reads it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from ...common.rounding import beside
from .detector import Change
from .features import Feature, Numbers

_TAIL = 0.10  # the share of the reference beyond an alarm's bound: rare at export, and not so rare as to be an accident
_WHERE = {"higher": "above", "lower": "below", "less varied": "near"}


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm: predictions are no longer like the reference.

    Attributes:
        time: when it was raised, seconds since 1970.
        since: about when the change began.
        version: of the model.
        feature: what changed most.
        family: of the feature.
        direction: "higher", "lower" or "less varied".
        bound: a value of the feature.
        share_now: of the predictions since then that are beyond `bound` in that direction.
        share_then: the same of the reference.
    """

    time: float
    since: float
    version: str
    feature: str
    family: str
    direction: str
    bound: float
    share_now: float
    share_then: float

    @property
    def words(self) -> str:
        """Describe the change in a sentence."""
        began = f"{datetime.fromtimestamp(self.since).astimezone():%Y-%m-%d %H:%M:%S}"
        if self.family == "classes":
            change = f"give {self.feature} a probability {_WHERE[self.direction]} {self.bound:.3g}"
        elif self.family == "embedding":
            side = "less" if self.direction == "lower" else "more"
            change = f"resemble the answers at export by {side} than {self.bound:.3g}"
        else:
            change = f"have their {self.feature} {_WHERE[self.direction]} {self.bound:.3g}"
        now, then = beside(self.share_now, self.share_then, ".0%")
        return f"since {began}, {now} of the predictions {change}; at export {then} did"

    def to_json(self) -> dict[str, Any]:
        """Return the object that `hpo monitor --json` prints."""
        return {**asdict(self), "words": self.words}


def describe(
    change: Change,
    watched: Sequence[Feature],
    reference: Numbers,
    recent: Numbers,
    times: tuple[float, float],
    version: str,
) -> Alarm:
    """Describe `change` as an alarm.

    Args:
        change: what the detector found.
        watched: the features.
        reference: their values at export, [N, features].
        recent: their values since the change began, [n, features], n at least 1.
        times: when the change began and when it was found.
        version: of the model.
    """
    feature = watched[change.feature]
    then, now = (values[~np.isnan(values)] for values in (reference[:, change.feature], recent[:, change.feature]))
    bound, share_now, share_then = _shares(change.direction, then, now)
    return Alarm(
        time=times[1],
        since=times[0],
        version=version,
        feature=feature.name,
        family=feature.family,
        direction=change.direction,
        bound=bound,
        share_now=share_now,
        share_then=share_then,
    )


def _shares(direction: str, then: Numbers, now: Numbers) -> tuple[float, float, float]:
    if direction == "less varied":
        # half of the reference lies between its quartiles; more of the predictions do now
        low, high = np.quantile(then, [0.25, 0.75])
        inside = [float(((values >= low) & (values <= high)).mean()) for values in (now, then)]
        return float(np.median(then)), inside[0], inside[1]
    bound = float(np.quantile(then, _TAIL if direction == "lower" else 1 - _TAIL))
    beyond = np.less if direction == "lower" else np.greater
    return bound, float(beyond(now, bound).mean()), float(beyond(then, bound).mean())
