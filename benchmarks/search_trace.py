"""What a search on a table has found after how many epochs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from search_tables import CurveTable

REGRETS = (0.1, 0.03, 0.01, 0.001)


class Step(NamedTuple):
    """A moment at which a search had found something better.

    `epochs` are those of all trials until then, `wall` is the time in epochs of one worker.
    """

    epochs: int
    wall: float
    regret: float


@dataclass(frozen=True)
class Trace:
    """What a search has found, better and better; it ended after `epochs`, at `wall`."""

    steps: Sequence[Step]
    epochs: int
    wall: float

    def reaches(self, regret: float) -> Step:
        """Return the step at which it got to `regret`; never is after infinitely many epochs."""
        return next((step for step in self.steps if step.regret <= regret), Step(inf, inf, regret))  # type: ignore[arg-type]

    def regret_after(self, epochs: float) -> float:
        """Return the regret after so many epochs; inf before anything was found."""
        return min((step.regret for step in self.steps if step.epochs <= epochs), default=inf)


@dataclass
class Meter:
    """Counts the epochs of a search on `table`, which ends with the least of REGRETS or after `cap` epochs.

    Only what a configuration reaches at its last epoch counts: that is what a search would hand over.
    """

    table: CurveTable
    cap: int
    epochs: int = 0
    wall: float = 0.0
    steps: list[Step] = field(default_factory=list)

    def count(self, row: int, epoch: int, wall: float) -> None:
        """Count an epoch (from 1) of a row of the table."""
        self.epochs += 1
        self.wall = wall
        if epoch == self.table.epochs:
            regret = float(self.table.regrets[row])
            if regret < (self.steps[-1].regret if self.steps else inf):
                self.steps.append(Step(self.epochs, wall, regret))

    @property
    def is_over(self) -> bool:
        """Whether the search is to end."""
        return self.epochs >= self.cap or bool(self.steps and self.steps[-1].regret <= min(REGRETS))

    def trace(self) -> Trace:
        """Return what was found."""
        return Trace(tuple(self.steps), self.epochs, self.wall)
