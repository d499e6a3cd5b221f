"""Signs of life, watched by the clock of this process alone.

The clock of another machine may be minutes off, and that of this one may be set: the time that a sign bears is never
compared with ours. It only has to change.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Silence:
    """The silence of a trial: its `seconds`, and whether a sign of it `has_moved` since the last look."""

    seconds: float
    has_moved: bool


class Watch:
    """How long trials, by id, have been seen to give no sign of life; `now` is in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since: dict[int, tuple[object, float]] = {}

    def look(self, trial_id: int, sign: object) -> Silence:
        """Look at a trial whose latest sign of life is `sign`; at the first look its silence begins."""
        before, since = self._since.get(trial_id, (None, None))
        if since is None or before != sign:
            self._since[trial_id] = sign, self._now()
            return Silence(0.0, has_moved=since is not None)
        return Silence(self._now() - since, has_moved=False)

    def forget_all_but(self, trial_ids: Container[int]) -> None:
        """Forget trials that run no more."""
        self._since = {trial_id: seen for trial_id, seen in self._since.items() if trial_id in trial_ids}
