"""The audit of a scheduler: a share of what it would stop runs on to its end, where stopping is seen to be right.

The scheduler and the proposer go on as if such a trial had been stopped or paused: what it reports from there on is
withheld from them. Where the scheduler resumes it, as one that is paused at a rung, they are shown what it has reached
meanwhile. So the other trials are those of a search without an audit.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field

from ...studies.book.terms import Row
from .base import Decision, Pause


@dataclass(frozen=True, slots=True)
class Audit:
    """Which trials are audited: about `share` of all, in [0, 1], whatever they are, by the `seed` of the study.

    They are drawn among all trials, of which those count that come to be stopped: a sample of these, as neither their
    configurations nor what they reached had a say in it. Those before number
    `since` began before there was an audit: what was decided on them stays.
    """

    share: float = 0.0
    seed: int = 0
    since: int = 0

    def takes(self, trial: int) -> bool:
        """Whether a trial runs on where it would be stopped: the same in every process, and after a restart."""
        if trial < self.since:
            return False
        digest = hashlib.sha256(f"audit/{self.seed}/{trial}".encode()).digest()
        return int.from_bytes(digest[:8]) < self.share * 2**64


@dataclass(slots=True)
class Withheld:
    """What an audited trial has reported since the `decision` on it, and whether it has `ended`."""

    decision: Decision
    rows: list[Row] = field(default_factory=list)
    ended: bool = False


class WithheldTrials:
    """The audited trials that a scheduler takes for stopped or paused, by number."""

    def __init__(self) -> None:
        self._trials: dict[int, Withheld] = {}
        self._at_rungs: set[int] = set()

    def __contains__(self, trial: int) -> bool:
        return trial in self._trials

    def add(self, trial: int, withheld: Withheld) -> None:
        """Withhold from now on what a trial reports."""
        self._trials[trial] = withheld
        if isinstance(withheld.decision, Pause):
            self._at_rungs.add(trial)

    def pop(self, trial: int) -> Withheld:
        """Take out a trial that the scheduler resumes."""
        self._at_rungs.discard(trial)
        return self._trials.pop(trial)

    def report(self, row: Row) -> None:
        """Keep a report of one of them."""
        self._trials[row.number].rows.append(row)

    def end(self, trial: int) -> bool:
        """Note that a trial ran to its end; return whether it was one of them, and came further than where it stood."""
        withheld = self._trials.get(trial)
        if withheld is None or not withheld.rows:
            return False
        withheld.ended = True
        return True

    def with_paused(self, paused: Collection[int]) -> Collection[int]:
        """The trials that are `paused`, and those that the scheduler takes for such."""
        return {*paused, *self._at_rungs} if self._at_rungs else paused
