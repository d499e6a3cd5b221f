"""How many requests may wait: many in a burst, few as long as there is more to do than can be done."""

import time
from typing import NamedTuple

_FIRST_S, _LONGEST_S = 1.0, 60.0
_FEW = 2.0  # until it is known better: one is answered, one is next
_SLOWER = 2.5  # an answer may take so many times as long as a lone one
_RARELY = 0.01  # the share of answers that may take longer
_STEP = 0.25  # by how much an answer moves what is known


class Visit(NamedTuple):
    """A request that was let in: when, and whether nobody else was here."""

    began: float
    alone: bool


class Admission:
    """The requests that are here and unanswered in this process.

    A queue evens out bursts. When it overflows because there is more to do than can be done, a long one only makes
    every answer late. (Nichols and Jacobson, Controlling Queue Delay, 2012, found that of packets: a standing queue is
    of no use.) So from then on only a few may be here, for a second; if the queue overflows at once when it is tried
    again, for two, and so on.

    How many are few is found out: as many as let all but one answer in a hundred come within `_SLOWER` times of what
    all but one lone request in a hundred takes at most. Both are quantiles, followed by steps up and down that cancel
    where the share is right (Robbins and Monro, A Stochastic Approximation Method, 1951).

    Args:
        limit: how many may wait in a burst, at least 1.
    """

    def __init__(self, limit: int) -> None:
        self.unanswered = 0
        self._limit = limit
        self._few = min(_FEW, limit)
        self._lone_s = 0.0  # what a lone request takes, all but one in a hundred; 0 before there was any
        self._short_since = self._short_until = 0.0
        self._short_s = _FIRST_S

    @property
    def full(self) -> bool:
        """Whether the next request is to be refused."""
        return self.unanswered >= self._limit or (
            self.unanswered >= int(self._few) and time.monotonic() < self._short_until
        )

    def enter(self) -> Visit:
        """A request is here."""
        self.unanswered += 1
        return Visit(time.monotonic(), self.unanswered == 1)

    def answered(self, visit: Visit) -> None:
        """It has its answer, and is no longer here."""
        now = time.monotonic()
        if now >= self._short_until:
            if visit.alone and self.unanswered == 1:
                self._learn_lone(now - visit.began)
        elif visit.began >= self._short_since:  # and not in the long queue before
            self._learn_few(now - visit.began)
        self.leave(1)

    def leave(self, requests: int) -> None:
        """So many are no longer here."""
        self.unanswered -= requests

    def refused(self) -> None:
        """A request was refused because there were too many."""
        now = time.monotonic()
        if now >= self._short_until:
            at_once = now - self._short_until < _FIRST_S
            self._short_s = min(2 * self._short_s, _LONGEST_S) if at_once else _FIRST_S
            self._short_since, self._short_until = now, now + self._short_s

    def _learn_lone(self, took_s: float) -> None:
        longer = took_s > self._lone_s
        self._lone_s = self._lone_s * (1 + _STEP * (longer - _RARELY)) or took_s

    def _learn_few(self, took_s: float) -> None:
        if self._lone_s:
            late = took_s > _SLOWER * self._lone_s
            self._few = min(max(self._few + _STEP * (_RARELY - late), 1.0), self._limit)
