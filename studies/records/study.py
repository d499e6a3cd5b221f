"""A study as a plain record: counts, best trial, failures."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from optuna.study import StudyDirection

from ...common.display import visible
from ...common.interval import around
from ...errors import StudyError
from .. import attributes
from .audit import AuditReport
from .edges import BEST, Edge, edges
from .effects import Effect, effects
from .explain import Explanation, explain
from .ranking import best_first, ranked
from .rungs import Furthest, Rung, Standing, furthest
from .strategy import StrategyRecord
from .trial import PAUSED, TrialRecord

SHARES = frozenset({"val_accuracy", "val_top5_accuracy"})
"""The objectives that are a share of the validation images, whose interval is known from their number alone."""

NAMED = 3
"""How many trials that are passed over are named, so that they stay one line of a terminal."""


@dataclass(frozen=True, slots=True)
class StudySummary:
    """One study.

    `at` says in words which epoch of a trial counts, empty where another program made the study; `counts` of its trials
    by state; `best` the best complete trial that hpo ran, with several objectives the knee of their `front`, the trials
    that no other dominates, by their first value; `further` are the metrics and directions of all objectives but the
    first; `passed_over` the better ones that it did not run, the best
    first; `wall_s` the seconds in which it was worked on (see wall_time.py); `failures` trial numbers by cause;
    `strategy` that of the last run, None in studies of older versions and other programs; `rungs` those of the
    strategy, the lowest first; `audit` what its audited trials say of stopping, None where it has no audit.
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
    strategy: StrategyRecord | None = None
    rungs: tuple[Rung, ...] = ()
    audit: AuditReport | None = None
    further: tuple[tuple[str, str], ...] = ()
    front: tuple[TrialRecord, ...] = ()

    @property
    def objectives(self) -> tuple[tuple[str, str], ...]:
        """The metrics of all objectives, with their directions."""
        return ((self.metric, self.direction), *self.further)

    @property
    def goals(self) -> str:
        """All objectives in words: `maximize val_accuracy, minimize params_m of the last epoch`."""
        goals = ", ".join(f"{direction} {metric}" for metric, direction in self.objectives)
        goals += f" of {self.at}" if self.at else ""
        return goals + (f", mean over {self.folds} folds" if self.folds else "")

    @property
    def directions(self) -> list[StudyDirection]:
        """The directions of all objectives, in Optuna's terms."""
        return [StudyDirection[direction.upper()] for _, direction in self.objectives]

    @property
    def epochs_total(self) -> int:
        """The epochs that all trials together have trained, by the record."""
        return sum(trial.epochs for trial in self.trials)

    @property
    def folds(self) -> int:
        """How many folds its trials have; 0 for none."""
        return max((trial.folds for trial in self.trials), default=0)

    @property
    def furthest(self) -> Furthest | None:
        """What stands in for the best trial while there is none: the best at the highest rung that was reached."""
        return furthest(self.trials, self.rungs) if self.best is None else None

    def standing(self, trial: TrialRecord) -> Standing | None:
        """The place of a trial at the rung where it is paused; None where it is not."""
        if trial.state != PAUSED or trial.rung is None or trial.rung >= len(self.rungs):
            return None
        return self.rungs[trial.rung].standing(trial.number)

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
            "objectives": [{"metric": metric, "direction": direction} for metric, direction in self.objectives],
            "strategy": self.strategy and self.strategy.strategy,
            "sampler": self.strategy and self.strategy.sampler,
            "pruner": self.strategy and self.strategy.pruner,
            "trials": dict(self.counts),
            "epochs_total": self.epochs_total,
            "rungs": [rung.to_json() for rung in self.rungs],
            "audit": self.audit and self.audit.to_json(),
            "best": best,
            "front": [
                {"number": trial.number, "values": list(trial.values), "params": dict(trial.params)}
                for trial in self.front
            ],
            "furthest": (furthest := self.furthest) and furthest.to_json(),
            "passed_over": [trial.number for trial in self.passed_over],
            "wall_s": self.wall_s,
            "failures": {cause: list(numbers) for cause, numbers in self.failures.items()},
            "explanations": {cause: asdict(explanation) for cause, explanation in self.explanations().items()},
            "edges": [asdict(edge) for edge in self.edges()],
            "verdicts": {kind: list(numbers) for kind, numbers in self.verdicts().items()},
        }

    @property
    def passed_over_line(self) -> str:
        """A line on better trials that hpo did not run, if any."""
        named = [f"{trial.number} ({trial.value:.4f})" for trial in self.passed_over[:NAMED]]
        more = [f"{len(self.passed_over) - NAMED} more"] if len(self.passed_over) > NAMED else []
        return f"passed over, not run by hpo: trial {', '.join([*named, *more])}" if named else ""

    def records_to_json(self) -> list[dict[str, Any]]:
        """The JSON array of `hpo show --json`: every trial, paused ones with their standing."""
        return [self.record_to_json(trial) for trial in self.trials]

    def record_to_json(self, trial: TrialRecord) -> dict[str, Any]:
        """The JSON object of one trial, with its standing."""
        standing = self.standing(trial)
        return {**trial.to_json(), "standing": standing and asdict(standing)}

    def ranking(self) -> tuple[TrialRecord, ...]:
        """The complete trials, the best first: those that hpo ran, or all where it ran none of them."""
        return tuple(self.own_best(len(self.trials))) or self.passed_over

    def own_best(self, count: int) -> list[TrialRecord]:
        """The `count` best complete trials that hpo ran and that keep to all constraints, the best first.

        With several objectives the knee is the first, others are in the order of their fronts.
        """
        order = ranked((trial for trial in self.trials if not trial.is_foreign), self.directions)
        return sorted(order, key=lambda trial: trial is not self.best)[:count]

    def edges(self) -> list[Edge]:
        """The dimensions whose best values lie at an end of their range, by the space of the newest run."""
        ended = sum(trial.state in ("complete", "pruned") for trial in self.trials)
        drawn = [trial for trial in self.own_best(len(self.trials)) if trial.extends is None]
        best = [trial.params for trial in drawn[:BEST]]
        return edges(str(self.attributes.get(attributes.SPACE, "")), best, ended)

    def best_first(self) -> list[TrialRecord]:
        """The trials that ended, or are paused at a rung, the best first, see ranking.py.

        Extensions are left out: they have the values of another trial, which would count twice, and another budget.
        """
        drawn = [trial for trial in self.trials if trial.extends is None]
        return best_first(drawn, self.directions)

    def effects(self) -> list[Effect]:
        """The effects of the dimensions, by the space of the newest run, the most important first."""
        space = str(self.attributes.get(attributes.SPACE, ""))
        return effects(space, [trial.params for trial in self.best_first()])

    def explanations(self) -> dict[str, Explanation]:
        """What explains failures, by cause; causes that no parameter explains are left out."""
        ended = [trial for trial in self.trials if trial.state in ("complete", "pruned", "failed")]
        explained = {}
        for cause in self.failures:
            failed = [trial.params for trial in ended if trial.cause == cause]
            # what failed by another cause might have failed by this one, had it come so far
            others = [trial.params for trial in ended if trial.cause is None]
            if (explanation := explain(failed, others)) is not None:
                explained[cause] = explanation
        return explained

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


def formats_of(summary: StudySummary) -> list[str]:
    """The number formats that the trials of a study computed in: `fp32`."""
    return sorted({trial.numerics["precision"] for trial in summary.trials if trial.numerics})


def numbers_by_name(pairs: Iterable[tuple[str | None, int]]) -> dict[str, tuple[int, ...]]:
    """Trial numbers grouped by name, the most frequent name first.

    Numbers without a name are left out; names that are equally frequent keep the order of their first number.
    """
    groups: dict[str, list[int]] = {}
    for name, number in pairs:
        if name:
            groups.setdefault(name, []).append(number)
    return {name: tuple(numbers) for name, numbers in sorted(groups.items(), key=lambda item: -len(item[1]))}
