"""What proposers know of finished trials, in memory and bounded."""

from bisect import insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

# TPE takes at most so many of the best as good ones (Optuna's default_gamma), whatever the number of trials
BEST = 25

# from so many trials on the good ones are BEST, and not fewer, to TPE; more of them, that it takes for bad ones, cost
# time and find nothing better: see docs/strategies.md
NEWEST = 250


@dataclass(frozen=True, slots=True)
class Finished:
    """A trial that will not go on.

    `params` by dotted key; `value` is the objective, where it was stopped that of its last `epoch`, None where there is
    none or it is no number; `complete` says that it ran to its end, `violation` by how much it broke constraints, 0 for
    none; `failed` that it broke, so that its configuration is neither good nor bad; `outdated` that its parameters
    would make another configuration now, of a space that was changed or a model that was edited.
    """

    number: int
    params: Mapping[str, Any]
    value: float | None
    epoch: int = 0
    complete: bool = True
    violation: float = 0.0
    failed: bool = False
    outdated: bool = False


class History:
    """The first trial, the BEST best and the NEWEST newest of those that were added, each once, by number.

    What it keeps does not depend on the order in which they were added.
    """

    def __init__(self, direction: Literal["maximize", "minimize"], *, best: int = BEST, newest: int = NEWEST) -> None:
        self._sign = -1.0 if direction == "maximize" else 1.0
        self._kept_best, self._kept_newest = best, newest
        self._first: list[Finished] = []
        self._best: list[Finished] = []
        self._newest: list[Finished] = []

    def add(self, trial: Finished) -> None:
        """Add a trial."""
        insort(self._first, trial, key=_number)
        insort(self._best, trial, key=self._rank)
        insort(self._newest, trial, key=_number)
        del self._first[1:], self._best[self._kept_best :], self._newest[: -self._kept_newest]

    def __iter__(self) -> Iterator[Finished]:
        """The trials that are kept, by number."""
        kept = {trial.number: trial for trial in (*self._first, *self._best, *self._newest)}
        return iter(sorted(kept.values(), key=_number))

    def _rank(self, trial: Finished) -> tuple[int, float, float, int]:
        """The order of TPE: complete ones, then those stopped late, then those that broke constraints."""
        loss = float("inf") if trial.value is None else self._sign * trial.value
        if trial.violation > 0:
            return 2, trial.violation, 0.0, trial.number
        return (0, 0.0, loss, trial.number) if trial.complete else (1, -trial.epoch, loss, trial.number)


def _number(trial: Finished) -> int:
    return trial.number
