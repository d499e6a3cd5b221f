"""The strategy of a search: what it proposes, and what it stops."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

from ...spaces.parameter import Scalar
from ...spaces.space import SearchSpace
from ...studies.book.terms import Row, Stop
from .base import Proposer
from .curves import Curves
from .decide import Decide
from .history import Finished
from .proposers.optuna import OptunaProposer
from .samplers.registry import build_sampler
from .schedulers.registry import build_scheduler


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
    sampler: str,
    pruner: str,
    seed: int,
    direction: Literal["maximize", "minimize"],
    epochs: int,
) -> Strategy:
    """Make the strategy of `sampler` and `pruner` for a study of `space`.

    `seed` is the study's; `epochs` are those of a usual trial, should the space leave them open.

    Raises:
        SpaceError: there is no such sampler or pruner.
    """
    proposer = OptunaProposer(space, partial(build_sampler, sampler, seed), direction)
    curves = Curves(direction, None if "budget.epochs" in space.by_key else epochs)
    return Strategy(proposer, Decide(build_scheduler(pruner, epochs), curves))
