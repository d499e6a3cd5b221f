"""The interfaces of strategies: pure, without a clock or a store, and rebuilt from the record of the study alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ...spaces.parameter import Scalar
from .curves import Curves
from .history import Finished


@dataclass(frozen=True, slots=True)
class Go:
    """The decision that a trial goes on."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The decision that a trial ends here, pruned."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The decision that a trial waits at `rung` (from 0) until others have come there."""

    rung: int


Decision = Go | Stop | Pause
GO, STOP = Go(), Stop()


class Scheduler(Protocol):
    """Decides after each epoch whether a trial goes on.

    It sees every report of the study once, in the order of the record, those of other processes too. Whatever it keeps
    follows from these alone: from the same record it decides the same, today and after a restart.
    """

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Decide on `trial` (its number), whose report was the last to be added to `curves`."""
        ...


class Proposer(Protocol):
    """Proposes configurations, and learns from finished trials."""

    def tell(self, trial: Finished) -> None:
        """Learn of a trial that will not go on; the order of trials does not matter."""
        ...

    def ask(
        self, number: int, fixed: Mapping[str, Any], running: Mapping[int, Mapping[str, Any]]
    ) -> Mapping[str, Scalar] | None:
        """Propose a value for each active dimension, for trial `number`.

        None where each configuration of the space was tried, or runs. From the same seed, number and trials it proposes
        the same.

        Args:
            number: of the trial; what is proposed is drawn from a seed made of it and the study's.
            fixed: values that it must have, those of its branches included.
            running: parameters of trials that run, or wait at a rung, by number.
        """
        ...
