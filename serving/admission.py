"""Admission of requests: long queues for bursts, short ones under overload."""

import time
from typing import NamedTuple

# of a short queue: one second is many answers of most models; a minute keeps overload that lasts from being tried out
# again and again, and a server that has recovered from refusing for long
_FIRST_S, _LONGEST_S = 1.0, 60.0
_FEW = 2.0  # before it is learned: one is answered, one is next
_SLOWER = 2.5  # an answer may take so many times as long as a lone one
_RARELY = 0.01  # the share of answers that may take longer
_STEP = 0.25  # by how much an answer moves an estimate: some ten answers settle it, one odd answer hardly moves it


class Visit(NamedTuple):
    """A request that was let in: when, and whether it was alone."""

    began: float
    alone: bool


class Admission:
    """The unanswered requests of this process, with a limit.

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
        """Tell whether the next request is to be refused."""
        return self.unanswered >= self._limit or (
            self.unanswered >= int(self._few) and time.monotonic() < self._short_until
        )

    def enter(self) -> Visit:
        """Count a request in."""
        self.unanswered += 1
        return Visit(time.monotonic(), self.unanswered == 1)

    def answered(self, visit: Visit) -> None:
        """Count a request out, and learn from the time of its answer."""
        now = time.monotonic()
        if now >= self._short_until:
            # alone from its first moment to its last: its time is the model's, without any queue
            if visit.alone and self.unanswered == 1:
                self._learn_lone(now - visit.began)
        elif visit.began >= self._short_since:  # and not in the long queue before
            self._learn_few(now - visit.began)
        self.leave(1)

    def leave(self, requests: int) -> None:
        """Count so many `requests` out."""
        self.unanswered -= requests

    def refused(self) -> None:
        """Note a refusal: shorten the queue for a while."""
        now = time.monotonic()
        if now >= self._short_until:
            # the long queue was full again within a second, so the overload has not ended
            at_once = now - self._short_until < _FIRST_S
            self._short_s = min(2 * self._short_s, _LONGEST_S) if at_once else _FIRST_S
            self._short_since, self._short_until = now, now + self._short_s

    def _learn_lone(self, took_s: float) -> None:
        longer = took_s > self._lone_s
        # rises by 25 % for a longer answer and falls by 0.25 % for each other: level where one in a hundred is longer
        self._lone_s = self._lone_s * (1 + _STEP * (longer - _RARELY)) or took_s

    def _learn_few(self, took_s: float) -> None:
        if self._lone_s:
            late = took_s > _SLOWER * self._lone_s
            # a late answer takes a quarter of a place away, which a hundred in time give back
            self._few = min(max(self._few + _STEP * (_RARELY - late), 1.0), self._limit)
