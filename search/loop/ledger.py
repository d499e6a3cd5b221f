"""A ledger in memory, in the place of a study's book: what the book answers, for a hundredth of its time.

The book writes each epoch into a database, in a transaction that asks whether the trial is still the writer's: that is
most of the CPU of a simulated search. One coordinator alone, that nobody kills, needs none of it. That both come to the
same is checked in every comparison of benchmarks/search.py, by the searches that run through the book.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...spaces.space import SearchSpace
from ...studies.book.choice import Begin, Resume
from ...studies.book.claims import Counts
from ...studies.book.terms import (
    Decided,
    Exhausted,
    Fence,
    NoClaim,
    Pause,
    Plan,
    Reports,
    Row,
    Settled,
    Stopped,
    TrialOutcome,
    TrialState,
)
from ..configuration.claim import Claim
from ..configuration.configure import configure
from ..configuration.enqueued import with_branches
from ..strategy.history import Finished
from ..strategy.strategy import Strategy


@dataclass
class _Trial:
    """A trial that has not finished."""

    claim: Claim
    curve: dict[int, float] = field(default_factory=dict)
    others: tuple[float, ...] = ()  # the further objectives at the last epoch
    decided: Decided | None = None

    @property
    def last(self) -> tuple[int, float]:
        """The last epoch, and its objective."""
        return max(self.curve.items())


class Ledger:
    """What the event loop asks of a book, for the one coordinator of a study that begins empty.

    The first trial has the priors of `space`, as in `hpo run`; there are `most` configurations to try, None for as many
    as `strategy` proposes.
    """

    def __init__(self, space: SearchSpace, strategy: Strategy, most: int | None = None) -> None:
        self._space, self._strategy, self._most = space, strategy, most
        self._unfinished: dict[int, _Trial] = {}
        self._paused: dict[int, None] = {}
        self._complete: list[int] = []
        self._news: list[Finished] = []
        self._finished = self._epochs = 0

    direction = "minimize"

    @property
    def paused(self) -> Collection[int]:
        """The trials that are paused."""
        return self._paused.keys()

    def counts(self) -> Counts:
        """The number of trials by state."""
        running = len(self._unfinished) - len(self._paused)
        return Counts(self._finished, running, len(self._paused), waiting=0)

    def epochs(self) -> int:
        """The epochs that all trials have trained."""
        return self._epochs

    def claim(self, limit: int | None, plan: Plan, only: None = None) -> Claim | NoClaim | None:
        """Begin the trial that `plan` chooses, paused or new; as the book does, and not of some trials alone."""
        counts = self.counts()
        complete, self._complete = self._complete, []
        can_begin, is_idle = limit is None or counts.begun < limit, not counts.running
        match plan.choose(self._paused, complete, can_begin=can_begin, is_idle=is_idle):
            case Resume(number):
                return self._resume(number)
            case Begin() if can_begin:
                return self._begin(self._finished + len(self._unfinished))
        return Settled([self._settle(number) for number in list(self._paused)]) if is_idle and self._paused else None

    def report(self, epochs: Sequence[Row], decide: Callable[[Sequence[Row]], Mapping[int, Decided]]) -> Reports:
        """Record epochs that are new, and what is decided on them."""
        new = [row for row in epochs if row.epoch not in self._unfinished[row.number].curve]
        self._epochs += len(new)
        for row in new:
            self._unfinished[row.number].curve[row.epoch] = row.value
            self._unfinished[row.number].others = tuple(row.others)
        decided = decide(new)
        for number, decision in decided.items():
            self._unfinished[number].decided = decision
        return Reports({}, decided, {(row.number, row.epoch) for row in new})

    def finish(self, number: int, outcome: TrialOutcome, history: Sequence[Row] = ()) -> Fence:
        """Note how a trial ended; every report of its `history` has arrived."""
        state = TrialState.COMPLETE if outcome.complete else TrialState.PRUNED
        self._end(number, complete=outcome.complete)
        if outcome.complete:
            self._complete.append(number)
        return Fence(True, state)

    def release(self, number: int, notes: Mapping[str, Any] | None = None) -> Fence:
        """Pause a trial of which that is decided; what is noted of it is read by nobody."""
        decided = self._unfinished[number].decided
        if not isinstance(decided, Pause):  # the search is over
            return Fence(True, TrialState.WAITING)
        self._paused[number] = None
        return Fence(True, TrialState.RUNNING, decided.rung)

    def catch_up(self, plan: Plan) -> None:
        """Do nothing: nobody else has reported."""

    def finished(self) -> list[int]:
        """Return none: nothing of them is on a disk."""
        return []

    def best(self, count: int) -> list[int]:
        """Return none: no weights are kept."""
        return []

    def heartbeat(self) -> bool:
        """Tell that none was due."""
        return False

    def recover(self) -> list[int]:
        """Return none: nobody else was here."""
        return []

    def leave(self) -> None:
        """Do nothing: no store is waited for."""

    def abandon(self) -> None:
        """Do nothing: the search is over."""

    def _begin(self, number: int) -> Claim | Exhausted:
        news, self._news = self._news, []
        for trial in sorted(news, key=lambda trial: trial.number):
            self._strategy.tell(trial)
        running = {other: trial.claim.params for other, trial in self._unfinished.items()}
        fixed = {} if number else with_branches(self._space.priors(), self._space)
        params = self._strategy.propose(number, fixed, running)  # at the end, too: so it knows who is paused
        if params is None or number == self._most:
            return Exhausted(number, "space")
        claim = Claim(number, dict(params), configure(self._space, params))
        self._unfinished[number] = _Trial(claim)
        return claim

    def _resume(self, number: int) -> Claim:
        trial = self._unfinished[number]
        del self._paused[number]
        trial.decided = None
        trial.claim = replace(trial.claim, curve=dict(trial.curve), generation=trial.claim.generation + 1)
        return trial.claim

    def _settle(self, number: int) -> Stopped:
        trial = self._unfinished[number]
        del self._paused[number]
        self._end(number, complete=False)
        return Stopped(number, trial.claim.params, trial.last[1])

    def _end(self, number: int, *, complete: bool) -> None:
        trial = self._unfinished.pop(number)
        epoch, value = trial.last
        self._news.append(Finished(number, trial.claim.params, value, epoch, complete, others=trial.others))
        self._finished += 1
