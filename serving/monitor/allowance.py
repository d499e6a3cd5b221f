"""An allowance of predictions to look at per second."""

_BURST_S = 10.0  # what was not used of so many seconds may be used at once


class Allowance:
    """A token bucket.

    Args:
        per_second: tokens that come in a second, > 0; ten times as many are there at the start, and at most.
        now: seconds, of the clock whose times `take` is given.
    """

    def __init__(self, per_second: float, now: float) -> None:
        self._per_second = per_second
        self._most = self._tokens = per_second * _BURST_S
        self._at = now

    def take(self, wanted: int, now: float) -> int:
        """Take as many of the `wanted` tokens as there are."""
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        granted = min(wanted, int(self._tokens))
        self._tokens -= granted
        return granted
