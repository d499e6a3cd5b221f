"""Drift detection with a rate of false alarms set in advance.

It raises an alarm when predictions stop being like the reference. A Shiryaev-Roberts statistic per feature and bet,
R <- (R + 1) x payoff: the gain of having begun to bet at any moment since the last alarm (Shin, Ramdas & Rinaldo 2022,
arXiv:2203.03532; with conformal p-values: Vovk et al. 2021, arXiv:2102.10439). R less the number of predictions is a
martingale while nothing changes, and so is any fixed mean of many R: that mean is the correction for testing many
features at once, and it needs no independence among them. By optional stopping the mean number of predictions until a
false alarm is what the mean of R is at the alarm: the threshold times the overshoot, which calibrate.py measures.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bets import BETS, payoffs
from .features import FAMILIES, Feature

_PORTION = 64  # payoffs multiplied at once: 5^64 and 0.1^64 are well within a double
_HISTORY = 2_000  # predictions that the beginning of a change is looked for in


@dataclass(frozen=True, slots=True)
class Change:
    """A change that an alarm is about.

    Attributes:
        position: predictions seen before the one at which the alarm was raised.
        since: position at which the change seems to have begun.
        feature: position of the feature that changed most.
        direction: "higher", "lower" or "less varied".
    """

    position: int
    since: int
    feature: int
    direction: str


class Detector:
    """The detector: takes p-values as they come, in any portions.

    Args:
        watched: the features, in the order of the columns.
        threshold: of the mean of R.
        pause: predictions after an alarm on which nothing is bet, so that a lasting change is not told all the time.
    """

    def __init__(self, watched: Sequence[Feature], threshold: float, pause: int = 0) -> None:
        self._pause = pause
        self._paused = 0  # predictions that the pause still lasts
        self._weights = weights(watched)
        self._threshold = threshold
        self._gains = np.zeros_like(self._weights)
        self._since_alarm: deque[NDArray[np.float64]] = deque(maxlen=_HISTORY)
        self._seen = 0

    @property
    def seen(self) -> int:
        """Return the number of predictions taken."""
        return self._seen

    @property
    def evidence(self) -> float:
        """Return the progress towards an alarm, on a log scale.

        0 at the start, 1 at the alarm.
        """
        value = float((self._gains * self._weights).sum())
        return float(np.log1p(value) / np.log1p(self._threshold))

    def take(self, ranks: NDArray[np.float64]) -> list[Change]:
        """Return the alarms raised by p-values [n, features].

        After each, and the pause, the detector starts from nothing.
        """
        changes: list[Change] = []
        unread = self._after_pause(ranks)
        while len(unread):
            gains = _run(self._gains, payoffs(unread[:_PORTION]))
            crossed = np.flatnonzero(np.einsum("nfb,fb->n", gains, self._weights) >= self._threshold)
            used = int(crossed[0]) + 1 if len(crossed) else len(gains)
            self._since_alarm.extend(unread[:used])
            self._seen += used
            self._gains = gains[used - 1]
            if len(crossed):
                changes.append(self._change())
                self._begin_again()
            unread = self._after_pause(unread[used:])
        return changes

    def _after_pause(self, ranks: NDArray[np.float64]) -> NDArray[np.float64]:
        passed = min(self._paused, len(ranks))
        self._paused -= passed
        self._seen += passed
        return ranks[passed:]

    def _change(self) -> Change:
        # the largest part of the mean says what changed most
        feature, bet = np.unravel_index(int((self._gains * self._weights).argmax()), self._gains.shape)
        paid = payoffs(np.array(self._since_alarm))[:, feature, bet]
        start = len(paid) - 1 - int(np.log(paid)[::-1].cumsum().argmax())  # from where on the bet won most (Page 1954)
        since = self._seen - len(paid) + start
        return Change(self._seen - 1, since, int(feature), BETS[int(bet)].direction)

    def _begin_again(self) -> None:
        self._gains = np.zeros_like(self._weights)
        self._since_alarm.clear()
        self._paused = self._pause


def _run(start: NDArray[np.float64], paid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return R after each of n payoffs [n, features, bets].

    From R = `start`, without a loop over n.

    R_n = P_n (start + 1 + 1/P_1 + ... + 1/P_(n-1)), P the running product; 64 payoffs of 0.1 to 5 cannot overflow it.
    """
    products = paid.cumprod(axis=0)
    inverse = np.ones_like(products)
    inverse[1:] = 1 / products[:-1]
    result: NDArray[np.float64] = products * (start + inverse.cumsum(axis=0))
    return result


def weights(watched: Sequence[Feature]) -> NDArray[np.float64]:
    """Return the weights of features and bets, [features, bets].

    Families weigh alike, and so do the features of a family.
    """
    counts = {family: sum(feature.family == family for feature in watched) for family in FAMILIES}
    present = sum(count > 0 for count in counts.values())
    shares = np.array([1 / (present * counts[feature.family]) for feature in watched])
    result: NDArray[np.float64] = np.repeat(shares[:, None] / len(BETS), len(BETS), axis=1)
    return result
