"""What proposers know of trials, in memory: of however many, those that they look at are bounded."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal

# TPE takes at most so many of the best as good ones (Optuna's default_gamma), whatever the number of trials
BEST = 25

# from so many trials on the good ones are BEST, and not fewer, to TPE; more of them, that it takes for bad ones, cost
# time and find nothing better: see docs/strategies.md
NEWEST = 250


@dataclass(frozen=True, slots=True)
class Finished:
    """A trial that will not go on, or that proposers learn from as it stands.

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

    What it gives out does not depend on the order in which they were added. A trial that was added before is replaced.
    """

    def __init__(self, direction: Literal["maximize", "minimize"], *, best: int = BEST, newest: int = NEWEST) -> None:
        self._sign = -1.0 if direction == "maximize" else 1.0
        self._best, self._newest = best, newest
        self._trials: dict[int, Finished] = {}
        self._numbers: list[int] = []  # ascending
        self._ranked: list[tuple[int, float, float, int]] = []  # the best first

    def add(self, trial: Finished) -> None:
        """Add a trial."""
        self.remove(trial.number)
        self._trials[trial.number] = trial
        insort(self._numbers, trial.number)
        insort(self._ranked, self._rank(trial))

    def remove(self, number: int) -> None:
        """Remove trial `number`, if it is there."""
        if (trial := self._trials.pop(number, None)) is not None:
            del self._numbers[bisect_left(self._numbers, number)]
            del self._ranked[bisect_left(self._ranked, self._rank(trial))]

    @property
    def numbers(self) -> Set[int]:
        """The numbers of all that were added."""
        return self._trials.keys()

    def __iter__(self) -> Iterator[Finished]:
        """The trials that count, by number."""
        best = (number for *_, number in self._ranked[: self._best])
        kept = {*self._numbers[:1], *best, *self._numbers[-self._newest :]}
        return (self._trials[number] for number in sorted(kept))

    def _rank(self, trial: Finished) -> tuple[int, float, float, int]:
        """The order of TPE: complete ones, then those stopped late, then those that broke constraints."""
        loss = float("inf") if trial.value is None else self._sign * trial.value
        if trial.violation > 0:
            return 2, trial.violation, 0.0, trial.number
        return (0, 0.0, loss, trial.number) if trial.complete else (1, -trial.epoch, loss, trial.number)
