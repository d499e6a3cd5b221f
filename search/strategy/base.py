"""The interfaces of strategies: pure, without a clock or a store, and rebuilt from the record of the study alone."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ...spaces.parameter import Scalar
from ...spaces.space import SearchSpace
from ...studies.book.choice import BEGIN as BEGIN
from ...studies.book.choice import WAIT as WAIT
from ...studies.book.choice import Begin as Begin
from ...studies.book.choice import Choice as Choice
from ...studies.book.choice import Resume as Resume
from ...studies.book.choice import Wait as Wait
from .curves import Curves, Direction
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


class Scheduler(ABC):
    """Decides after each epoch whether a trial goes on, and what a free worker does next.

    It sees every report of the study once, in the order of the record, those of other processes too. Whatever it keeps
    follows from these alone: from the same record it decides and chooses the same, today and after a restart.

    Attributes:
        rungs: the epochs at which trials are compared and may pause, ascending; () for none.
        one_in: of so many trials one goes on, for each rung; () where no such shares are fixed.
    """

    rungs: tuple[int, ...] = ()
    one_in: tuple[int, ...] = ()

    @abstractmethod
    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Decide on `trial` (its number), whose report was the last to be added to `curves`."""

    def choose(self, curves: Curves, paused: Collection[int], *, can_begin: bool, is_idle: bool) -> Choice:
        """Choose what a free worker does.

        Args:
            curves: all that was reported.
            paused: the numbers of the trials that are paused now; only one of these can be resumed.
            can_begin: whether the total of the search admits another trial.
            is_idle: whether no trial of the study runs anywhere, so that there is nothing to wait for. WAIT says then
                that nothing that is paused is to go on: all of it is told PRUNED.
        """
        return BEGIN if can_begin else WAIT

    def hopeless(self, curves: Curves, paused: Collection[int], limit: int | None) -> Collection[int]:
        """The trials of `paused` that can never be resumed in a study of `limit` trials, None for no limit.

        Each is named once: its checkpoints are removed then.
        """
        return ()


class Proposer(Protocol):
    """Proposes configurations, and learns from finished trials.

    One that learns from the curves of trials at any rung is made with the `Curves` of the study, which grow by
    themselves; it knows the parameters of a trial from `tell` and from `running`.
    """

    def tell(self, trial: Finished) -> None:
        """Learn of a trial that will not go on; the order of trials does not matter."""
        ...

    def size(self) -> float:
        """Count the configurations that it can propose; inf where there is no end."""
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


@dataclass(frozen=True, slots=True)
class Setting:
    """The study that a strategy is made for, and what its user wants of it.

    `sampler` and `pruner` are None where the strategy chooses; `seed` is the study's; `epochs` are those of a usual
    trial, should the space leave them open; `trials` is the total, None where another budget ends the search. `curves`
    are shared by the scheduler and the proposer, and are empty as these are made. `others` are the directions of
    further objectives.
    """

    space: SearchSpace
    sampler: str | None
    pruner: str | None
    seed: int
    direction: Direction
    epochs: int
    trials: int | None
    curves: Curves
    others: tuple[Direction, ...] = ()

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions of all objectives."""
        return (self.direction, *self.others)


def folds_of(space: SearchSpace) -> int:
    """The folds of each trial of a space, which then are the epochs that strategies see; 0 for none."""
    return int(space.fixed.get("data.folds") or 0)
