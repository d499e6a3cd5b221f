"""The strategy of a search: what it proposes, stops, pauses and resumes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isinf
from typing import Any

from ...spaces.parameter import Scalar
from ...spaces.space import SearchSpace
from ...studies.book.terms import Decided, Row
from .audit import Audit
from .base import Choice, Proposer, Setting, folds_of
from .curves import Curves, Direction
from .decide import Decide
from .history import Finished
from .strategies.registry import STRATEGIES, check_pruner


class Strategy:
    """A proposer and the decisions of a scheduler, both fed from the record of one study.

    `rungs` and `one_in` are those of the scheduler.
    """

    def __init__(self, space: SearchSpace, proposer: Proposer, decide: Decide) -> None:
        self.rungs, self.one_in = decide.rungs, decide.one_in
        self._space, self._proposer, self._decide = space, proposer, decide
        self._ended: dict[int, Mapping[str, Any]] = {}
        self._audited: dict[int, Finished] = {}  # that the proposer takes for stopped
        self._others: Mapping[int, Mapping[str, Any]] = {}  # that run or wait, as of the last proposal

    def tell(self, trial: Finished) -> None:
        """Learn of a trial that will not go on; of an audited one as it was where it would have been stopped."""
        self._ended[trial.number] = trial.params
        if trial.complete:
            self._decide.end(trial.number)
        if self._decide.is_withheld(trial.number) and not trial.failed:
            self._audited[trial.number] = trial
        self._proposer.tell(self._as_judged(trial))

    def size(self) -> float:
        """Count the configurations that it can propose; inf where there is no end."""
        return self._proposer.size()

    def propose(
        self, number: int, fixed: Mapping[str, Any], running: Mapping[int, Mapping[str, Any]]
    ) -> Mapping[str, Scalar] | None:
        """Propose a configuration for trial `number`, see Proposer; None where each of the space was tried."""
        self._others = running
        return self._proposer.ask(number, fixed, running)

    def decide(self, rows: Sequence[Row]) -> Mapping[int, Decided]:
        """Say which trials to stop or to pause, given the next rows of the record."""
        return self._decide(rows)

    def choose(self, paused: Collection[int], complete: Iterable[int], *, can_begin: bool, is_idle: bool) -> Choice:
        """Choose what a free worker does, see Scheduler; `complete` are trials that ran to their end."""
        choice = self._decide.choose(paused, complete, can_begin=can_begin, is_idle=is_idle)
        for number in self._decide.take_resumed():
            if number in self._audited:  # it has ended before, and came further than was known
                self._proposer.tell(self._as_judged(self._audited[number]))
        return choice

    def _as_judged(self, trial: Finished) -> Finished:
        """A trial that has ended, as far as the scheduler has seen it where it is audited."""
        return self._decide.as_stopped(trial) if self._decide.is_withheld(trial.number) else trial

    def hopeless(self, paused: Collection[int], limit: int | None) -> Collection[int]:
        """The trials of `paused` that can never go on in a study of `limit` trials, None for no limit.

        There are none where all configurations can be tried before: then what is left may be spent on any of these.
        """
        return () if limit is None or limit >= self.size() else self._decide.hopeless(paused, limit)

    def spend(self) -> None:
        """Let whatever is paused go on from now on: nothing new is left to begin, and there are epochs to spend."""
        self._decide.spend(self._space, {**self._ended, **self._others})


def build_strategy(
    space: SearchSpace,
    *,
    strategy: str,
    sampler: str | None,
    pruner: str | None,
    seed: int,
    direction: Direction,
    epochs: int,
    trials: int | None = None,
    audit: float | None = None,
    audit_since: int = 0,
    others: Sequence[Direction] = (),
) -> Strategy:
    """Make the strategy of that name for a study of `space`.

    `sampler` and `pruner` None are the strategy's own; `audit` is the share of the trials that are to be stopped which
    run on to their end, None for none, of trials from number `audit_since` on; see Setting for the rest.

    Raises:
        SpaceError: there is no such strategy, sampler or pruner, or the strategy takes none such.
    """
    check_pruner(strategy, pruner)
    most = space.most_trials(trials)
    in_folds = bool(folds_of(space))
    last = None if "budget.epochs" in space.by_key and not in_folds else epochs
    curves = Curves(direction, last, others, in_folds=in_folds)
    limit = None if isinf(most) else int(most)
    setting = Setting(space, sampler, pruner, seed, direction, epochs, limit, curves, tuple(others))
    proposer, scheduler = STRATEGIES.find(strategy)(setting)
    is_first_guess, audited = bool(space.priors()), Audit(audit or 0.0, seed, audit_since)
    return Strategy(space, proposer, Decide(scheduler, curves, is_first_guess=is_first_guess, audit=audited))
