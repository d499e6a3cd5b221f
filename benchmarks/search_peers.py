"""Searches of other packages on a table of curves, in virtual time.

Workers do not wait for each other: each that is free begins or resumes a trial, and every epoch takes one unit of time.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol

import optuna
from hpo.search.strategy.proposers.suggest import suggest
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, TPESampler
from search_spaces import Pool, space_of
from search_tables import CurveTable
from search_trace import Meter, Trace

# inf to a peer: the percentiles of Optuna's pruners are no numbers as soon as one of the losses is infinite
DIVERGED = 1e12


class Verdict(Enum):
    """What becomes of a trial after an epoch."""

    GO = "go"
    STOP = "stop"
    PAUSE = "pause"


class Peer(Protocol):
    """A search that is asked and told; trials have numbers from 0."""

    def begin(self, number: int) -> Mapping[str, Any] | int | None:
        """Return the parameters of trial `number`, the number of a paused trial to resume, or None for neither.

        Where `number` is the number of rows of the table, nothing new can begin.
        """
        ...

    def report(self, number: int, epoch: int, loss: float) -> Verdict:
        """Take the loss of an epoch (from 1), which is not the last."""
        ...

    def complete(self, number: int, epoch: int, loss: float) -> None:
        """Take the loss of a trial's last epoch."""
        ...


def search(peer: Peer, table: CurveTable, workers: int, cap: int) -> Trace:
    """Search a table until its best is found, `cap` epochs are used up, or the peer begins nothing more."""
    search = _Search(peer, table, Meter(table, cap))
    while True:
        while len(search.due) < workers and search.begin():
            pass
        if not search.due or search.turn().is_over:
            return search.meter.trace()


class _Search:
    """A search between two epochs; `due` is a heap of (time, trial)."""

    def __init__(self, peer: Peer, table: CurveTable, meter: Meter) -> None:
        self.meter = meter
        self.due: list[tuple[float, int]] = []
        self._peer, self._table, self._pool = peer, table, Pool(table)
        self._rows: list[int] = []
        self._done: list[int] = []

    def begin(self) -> bool:
        """Let a free worker begin or resume a trial; return whether there was one."""
        begun = self._peer.begin(len(self._rows))
        if begun is None:
            return False
        if not isinstance(begun, int):
            self._rows.append(self._pool.take(begun))
            self._done.append(0)
            begun = len(self._rows) - 1
        self._plan(begun)
        return True

    def turn(self) -> Meter:
        """Train the epoch that ends next."""
        wall, number = heapq.heappop(self.due)
        self._done[number] += 1
        epoch, row = self._done[number], self._rows[number]
        self.meter.count(row, epoch, wall)
        loss = min(float(self._table.losses[row, epoch - 1]), DIVERGED)
        if epoch == self._table.epochs:
            self._peer.complete(number, epoch, loss)
        elif self._peer.report(number, epoch, loss) is Verdict.GO:
            self._plan(number)
        return self.meter

    def _plan(self, number: int) -> None:
        heapq.heappush(self.due, (self.meter.wall + 1, number))


class OptunaPeer:
    """Optuna by ask, report, should_prune and tell, as its documentation has them."""

    def __init__(self, table: CurveTable, sampler: BaseSampler, pruner: BasePruner | None = None) -> None:
        self._space, self._rows = space_of(table), table.rows
        self._study = optuna.create_study(direction="minimize", sampler=sampler, pruner=pruner or NopPruner())
        self._running: dict[int, optuna.Trial] = {}

    @property
    def trials(self) -> Sequence[optuna.trial.FrozenTrial]:
        """The trials of the study."""
        return self._study.get_trials()

    def begin(self, number: int) -> Mapping[str, Any] | None:
        """Ask for a trial."""
        if number == self._rows:
            return None
        trial = self._running[number] = self._study.ask()
        return suggest(trial, self._space)

    def report(self, number: int, epoch: int, loss: float) -> Verdict:
        """Report an epoch; a trial that is pruned is told so."""
        trial = self._running[number]
        trial.report(loss, epoch)
        if not trial.should_prune():
            return Verdict.GO
        self._study.tell(self._running.pop(number), state=optuna.trial.TrialState.PRUNED)
        return Verdict.STOP

    def complete(self, number: int, epoch: int, loss: float) -> None:
        """Tell how a trial ended."""
        trial = self._running.pop(number)
        trial.report(loss, epoch)
        self._study.tell(trial, loss)


PEERS: Mapping[str, Callable[[CurveTable, int], Peer]] = {
    "optuna_tpe": lambda table, seed: OptunaPeer(table, TPESampler(seed=seed)),
    "optuna_tpe_median": lambda table, seed: OptunaPeer(table, TPESampler(seed=seed), MedianPruner()),
    "optuna_tpe_hyperband": lambda table, seed: OptunaPeer(
        table, TPESampler(seed=seed), HyperbandPruner(max_resource=table.epochs)
    ),
}
"""Each makes the search of a table from a seed, with the defaults of its package."""
