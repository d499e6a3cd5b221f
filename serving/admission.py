"""How many requests may wait: many in a burst, few as long as there is more to do than can be done."""

import time

_FEW = 2  # one is answered, one is next: an answer takes about twice as long as without load
_FIRST_S, _LONGEST_S = 1.0, 60.0


class Admission:
    """The requests that are here and unanswered in this process.

    A queue evens out bursts. When it overflows because there is more to do than can be done, a long one only makes
    every answer late. (Nichols and Jacobson, Controlling Queue Delay, 2012, found that of packets: a standing queue is
    of no use.) So from then on only `_FEW` may be here, for a second; if the queue overflows at once when it is tried
    again, for two, and so on.

    Args:
        limit: how many may wait in a burst, at least 1.
    """

    def __init__(self, limit: int) -> None:
        self.unanswered = 0
        self._limit = limit
        self._short_until = 0.0
        self._short_s = _FIRST_S

    @property
    def full(self) -> bool:
        """Whether the next request is to be refused."""
        return self.unanswered >= self._limit or (self.unanswered >= _FEW and time.monotonic() < self._short_until)

    def refused(self) -> None:
        """A request was refused because there were too many."""
        now = time.monotonic()
        if now >= self._short_until:
            at_once = now - self._short_until < _FIRST_S
            self._short_s = min(2 * self._short_s, _LONGEST_S) if at_once else _FIRST_S
            self._short_until = now + self._short_s
