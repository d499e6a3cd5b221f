"""A study as a plain record: counts, best trial, failures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...common.display import visible
from ...common.interval import around
from ...errors import StudyError
from .. import attributes
from .trial import TrialRecord

SHARES = frozenset({"val_accuracy", "val_top5_accuracy"})
"""The objectives that are a share of the validation images, whose interval is known from their number alone."""

NAMED = 3
"""How many trials that are passed over are named, so that they stay one line of a terminal."""


@dataclass(frozen=True, slots=True)
class StudySummary:
    """One study.

    `at` says in words which epoch of a trial counts, empty where another program made the study; `counts` of its trials
    by state; `best` the best complete trial that hpo ran; `passed_over` the better ones that it did not run, the best
    first; `wall_s` the seconds in which it was worked on (see `summarise`); `failures` trial numbers by cause.
    """

    study: str
    direction: str
    metric: str
    at: str
    counts: Mapping[str, int]
    best: TrialRecord | None
    passed_over: tuple[TrialRecord, ...]
    wall_s: float
    failures: Mapping[str, tuple[int, ...]]
    attributes: Mapping[str, Any]
    trials: tuple[TrialRecord, ...]

    @property
    def best_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the best value; None where unknown.

        It is known where the objective is a share of a known number of validation images.

        note: it is that of one measurement. The best of many is chosen for being high, so it tends to be too high.
        """
        images = self.attributes.get(attributes.VAL_IMAGES)
        if self.best is None or self.best.value is None or not images or self.metric not in SHARES:
            return None
        return around(self.best.value, images)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `hpo run --json` and `hpo studies --json`."""
        best = self.best and {
            "number": self.best.number,
            "value": self.best.value,
            "interval": self.best_interval,
            "params": dict(self.best.params),
        }
        return {
            "study": self.study,
            "direction": self.direction,
            "metric": self.metric,
            "at": self.at,
            "trials": dict(self.counts),
            "best": best,
            "passed_over": [trial.number for trial in self.passed_over],
            "wall_s": self.wall_s,
            "failures": {cause: list(numbers) for cause, numbers in self.failures.items()},
            "verdicts": {kind: list(numbers) for kind, numbers in self.verdicts().items()},
        }

    @property
    def passed_over_line(self) -> str:
        """A line on better trials that hpo did not run, if any."""
        named = [f"{trial.number} ({trial.value:.4f})" for trial in self.passed_over[:NAMED]]
        more = [f"{len(self.passed_over) - NAMED} more"] if len(self.passed_over) > NAMED else []
        return f"passed over, not run by hpo: trial {', '.join([*named, *more])}" if named else ""

    def verdicts(self) -> dict[str, tuple[int, ...]]:
        """Trial numbers by kind of verdict, the most frequent first."""
        return numbers_by_name((trial.verdict.get("kind"), trial.number) for trial in self.trials)

    def trial(self, number: int) -> TrialRecord:
        """Trial `number`.

        Raises:
            StudyError: the study has no such trial.
        """
        for trial in self.trials:
            if trial.number == number:
                return trial
        has = f"trials 0 to {len(self.trials) - 1}" if self.trials else "no trials yet"
        raise StudyError(f"study {visible(self.study)} has {has}, got {number}")


def numbers_by_name(pairs: Iterable[tuple[str | None, int]]) -> dict[str, tuple[int, ...]]:
    """Trial numbers grouped by name, the most frequent name first.

    Numbers without a name are left out; names that are equally frequent keep the order of their first number.
    """
    groups: dict[str, list[int]] = {}
    for name, number in pairs:
        if name:
            groups.setdefault(name, []).append(number)
    return {name: tuple(numbers) for name, numbers in sorted(groups.items(), key=lambda item: -len(item[1]))}
