"""The strategy of a search: what it proposes, and what it stops."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ...spaces.parameter import Scalar
from ...spaces.space import SearchSpace
from ...studies.book.terms import Row, Stop
from .base import Proposer, Setting
from .curves import Curves
from .decide import Decide
from .history import Finished
from .strategies.registry import STRATEGIES


class Strategy:
    """A proposer and the decisions of a scheduler, both fed from the record of one study."""

    def __init__(self, proposer: Proposer, decide: Decide) -> None:
        self._proposer, self._decide = proposer, decide

    def tell(self, trial: Finished) -> None:
        """Learn of a trial that will not go on."""
        self._proposer.tell(trial)
        if trial.complete:
            self._decide.end(trial.number)

    def propose(
        self, number: int, fixed: Mapping[str, Any], running: Mapping[int, Mapping[str, Any]]
    ) -> Mapping[str, Scalar] | None:
        """Propose a configuration for trial `number`, see Proposer; None where each of the space was tried."""
        return self._proposer.ask(number, fixed, running)

    def decide(self, rows: Sequence[Row]) -> Mapping[int, Stop]:
        """Say which trials to stop, given the next rows of the record."""
        return self._decide(rows)


def build_strategy(
    space: SearchSpace,
    *,
    strategy: str,
    sampler: str | None,
    pruner: str | None,
    seed: int,
    direction: Literal["maximize", "minimize"],
    epochs: int,
    trials: int | None = None,
) -> Strategy:
    """Make the strategy of that name for a study of `space`.

    `sampler` and `pruner` None are the strategy's own; see Setting for the rest.

    Raises:
        SpaceError: there is no such strategy, sampler or pruner, or the strategy takes none such.
    """
    curves = Curves(direction, None if "budget.epochs" in space.by_key else epochs)
    setting = Setting(space, sampler, pruner, seed, direction, epochs, trials, curves)
    proposer, scheduler = STRATEGIES.find(strategy)(setting)
    return Strategy(proposer, Decide(scheduler, curves))
