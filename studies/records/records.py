"""A study and its trials as plain records, read from the store: what `hpo show`, `hpo studies` and reports use."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import getitem
from typing import Any, TypeVar

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ...common.display import visible
from ...common.interval import around
from ...errors import StudyError, nearest
from .. import attributes
from .readable import Readable

T = TypeVar("T")
D = TypeVar("D")

SHARES = frozenset({"val_accuracy", "val_top5_accuracy"})
"""The objectives that are a share of the validation images, whose interval is known from their number alone."""

IDLE_S = 60.0
"""A time without any running trial that is longer than this lies between two runs, and is no part of `wall_s`."""

SHOWN = 3
"""How many trials that are passed over are named."""

_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial.

    `state` is complete, pruned, failed, running or waiting; `status` how training ended (finished, stopped, diverged,
    ...), empty where it has not; `value` the objective, None where none was told; `params` by dotted key; `curve` the
    reported objective by epoch (from 1); `epochs` how many were reported; `metrics` those of `best_epoch`; `attempts`
    how many workers were lost under it; `duration_s` seconds of training; `verdict` what its history says of it, with
    the keys kind, evidence, advice and settings, empty where none was made; `lr_factors` what plateaus left of the
    learning rate by epoch, () under other schedules; `config` the JSON text of its TrialConfig; `model_source` the
    SHA-256 of the file of a user's model, empty for others.
    """

    number: int
    state: str
    value: float | None
    params: Mapping[str, Any]
    epochs: int
    curve: Mapping[int, float]
    duration_s: float | None
    status: str
    message: str
    error: str
    best_epoch: int | None
    metrics: Mapping[str, float]
    attempts: int
    verdict: Mapping[str, Any]
    lr_factors: tuple[float, ...]
    config: str
    model_source: str

    @property
    def is_foreign(self) -> bool:
        """Whether a program other than hpo has run it: hpo keeps the configuration of every trial that it trains."""
        return self.state in ("complete", "pruned") and not self.config

    @property
    def cause(self) -> str | None:
        """Why it came to nothing, in a few words; None where it did not (being pruned is no failure)."""
        if self.state != "failed" and self.status not in ("diverged", "out_of_memory"):
            return None
        return self.status if self.status in ("diverged", "out_of_memory") else self.error or self.message or "unknown"

    @property
    def numerics(self) -> dict[str, str]:
        """How it computes: `precision` (fp32, bf16, fp16) and `compile` (off, on).

        Empty before it has a configuration, and where another version wrote that in another form; one of an older
        version may say `auto`.
        """
        precision, compiled = self._setting("precision", "dtype"), self._setting("compile")
        return {} if precision is None or compiled is None else {"precision": precision, "compile": compiled}

    @property
    def planned_epochs(self) -> int | None:
        """How many epochs its budget has; None where its configuration does not say, as in `numerics`."""
        epochs = self._setting("budget", "epochs")
        return epochs if isinstance(epochs, int) else None

    def _setting(self, *keys: str) -> Any:
        """What its configuration says at `keys`; None where it says nothing, or is none of this version."""
        try:
            return reduce(getitem, keys, json.loads(self.config))
        except (ValueError, LookupError, TypeError):
            return None

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON object; the keys of `curve` become texts, `config` is left out but for `numerics`."""
        kept = {name: value for name, value in asdict(self).items() if name not in ("config", "model_source")}
        return {**kept, **self.numerics, "curve": {str(epoch): value for epoch, value in self.curve.items()}}


@dataclass(frozen=True, slots=True)
class StudySummary:
    """One study.

    `counts` of its trials by state; `best` the best complete trial that hpo ran; `passed_over` the better ones that it
    did not run, the best first; `wall_s` the seconds in which it was worked on (see `summarise`); `failures` trial
    numbers by cause.
    """

    study: str
    direction: str
    metric: str
    counts: Mapping[str, int]
    best: TrialRecord | None
    passed_over: tuple[TrialRecord, ...]
    wall_s: float
    failures: Mapping[str, tuple[int, ...]]
    attributes: Mapping[str, Any]
    trials: tuple[TrialRecord, ...]

    @property
    def best_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the best value, where that is a share of a known number of validation images.

        note: it is that of one measurement. The best of many is chosen for being high, so it tends to be too high.
        """
        images = self.attributes.get(attributes.VAL_IMAGES)
        if self.best is None or self.best.value is None or not images or self.metric not in SHARES:
            return None
        return around(self.best.value, images)

    def to_json(self) -> dict[str, Any]:
        """What `hpo run --json` and `hpo studies --json` print of it: without the single trials."""
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
            "trials": dict(self.counts),
            "best": best,
            "passed_over": [trial.number for trial in self.passed_over],
            "wall_s": self.wall_s,
            "failures": {cause: list(numbers) for cause, numbers in self.failures.items()},
            "verdicts": {kind: list(numbers) for kind, numbers in self.verdicts().items()},
        }

    @property
    def passed_over_line(self) -> str:
        """Which better trials are not the best, and why, in a line; empty where there are none."""
        shown = [f"{trial.number} ({trial.value:.4f})" for trial in self.passed_over[:SHOWN]]
        more = [f"{len(self.passed_over) - SHOWN} more"] if len(self.passed_over) > SHOWN else []
        return f"passed over, not run by hpo: trial {', '.join([*shown, *more])}" if shown else ""

    def verdicts(self) -> dict[str, tuple[int, ...]]:
        """Trial numbers by the kind of their verdict, the most frequent kind first."""
        return _grouped((trial.verdict.get("kind"), trial.number) for trial in self.trials)

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


def summarise(storage: Readable, study_name: str) -> StudySummary:
    """Everything about one study.

    `wall_s` adds the times in which at least one trial was running, from its start to its end, and the pauses between
    them up to IDLE_S each; a trial that still runs counts up to the last start or end in the study. So the time between
    two separate runs is left out, unless a trial was interrupted by the end of the first and finished in the second.

    Raises:
        StudyError: no such study.
    """
    identifier = study_id(storage, study_name)
    noted = storage.get_study_user_attrs(identifier)
    direction = storage.get_study_directions(identifier)[0]
    frozen = storage.get_all_trials(identifier, deepcopy=False)
    trials = tuple(_record(trial) for trial in frozen)
    ranked = _ranked(trials, direction)
    best = next((place for place, trial in enumerate(ranked) if not trial.is_foreign), len(ranked))
    return StudySummary(
        study=study_name,
        direction="minimize" if direction == StudyDirection.MINIMIZE else "maximize",
        metric=str(noted.get(attributes.OBJECTIVE_METRIC, "value")),
        counts={name: sum(trial.state == name for trial in trials) for name in _STATES.values()},
        best=ranked[best] if best < len(ranked) else None,
        passed_over=tuple(ranked[:best]),
        wall_s=_wall_s(frozen),
        failures=_failures(trials),
        attributes=noted,
        trials=trials,
    )


def study_names(storage: Readable) -> tuple[str, ...]:
    """The names of all studies, the one worked on last first."""
    worked_on = [(_last_start(storage, s._study_id), s._study_id, s.study_name) for s in storage.get_all_studies()]
    return tuple(name for _, _, name in sorted(worked_on, reverse=True))


def list_studies(storage: Readable) -> tuple[StudySummary, ...]:
    """All studies, the one worked on last first."""
    return tuple(summarise(storage, name) for name in study_names(storage))


def newest_study(storage: Readable) -> str:
    """The name of the study worked on last.

    Raises:
        StudyError: the store holds no study.
    """
    names = study_names(storage)
    if not names:
        raise StudyError("no study has been run here yet; start one with: hpo run --space SPACE --trials N")
    return names[0]


def study_id(storage: Readable, study_name: str) -> int:
    """The number by which the store, and optuna-dashboard, know a study.

    Raises:
        StudyError: no such study.
    """
    try:
        return storage.get_study_id_from_name(study_name)
    except KeyError:
        names = study_names(storage)
        tail = nearest(study_name, names) if names else "no study has been run here yet"
        raise StudyError(f"no study is called {study_name!r}; {tail}") from None


def _last_start(storage: Readable, study_id: int) -> datetime:
    """When its newest trial began; reading one trial per study keeps this quick with many."""
    count = storage.get_n_trials(study_id)
    if count == 0:
        return datetime.min
    trial = storage.get_trial(storage.get_trial_id_from_study_id_trial_number(study_id, count - 1))
    return trial.datetime_start or datetime.min


def _record(trial: FrozenTrial) -> TrialRecord:
    span = trial.datetime_complete - trial.datetime_start if trial.datetime_complete and trial.datetime_start else None
    return TrialRecord(
        number=_number(trial),
        state=_STATES[trial.state],
        value=trial.values[0] if trial.values else None,
        params=trial.params,
        epochs=len(trial.intermediate_values),
        curve=dict(sorted(trial.intermediate_values.items())),
        duration_s=_noted(trial, attributes.DURATION_S, float, span.total_seconds() if span else None),
        status=_noted(trial, attributes.STATUS, str, ""),
        message=_noted(trial, attributes.MESSAGE, str, ""),
        error=_noted(trial, attributes.ERROR, str, ""),
        best_epoch=_noted(trial, attributes.BEST_EPOCH, int, None),
        metrics=_noted(trial, attributes.METRICS, dict, {}),
        attempts=_noted(trial, attributes.ATTEMPTS, int, 0),
        verdict=_noted(trial, attributes.VERDICT, dict, {}),
        lr_factors=tuple(_noted(trial, attributes.LR_FACTORS, list, [])),
        config=_noted(trial, attributes.CONFIG, str, ""),
        model_source=_noted(trial, attributes.MODEL_SOURCE, str, ""),
    )


def _noted(trial: FrozenTrial, name: str, kind: type[T], default: D) -> T | D:
    """A fact, which must be of `kind`: other programs have attributes of the same names that say something else."""
    value = trial.user_attrs.get(name)
    return value if isinstance(value, kind) else default


def _number(trial: FrozenTrial) -> int:
    """Its number; SQLite keeps any text in a column of numbers, and this one becomes the name of a folder."""
    if not isinstance(trial.number, int):
        raise StudyError(f"a trial must have a number, the store says {trial.number!r}")
    return trial.number


def rank(direction: StudyDirection, value: float, number: int) -> tuple[float, int]:
    """By what complete trials are sorted: the best value first, of equals the older, as Optuna has it."""
    return (value if direction == StudyDirection.MINIMIZE else -value), number


def _ranked(trials: Iterable[TrialRecord], direction: StudyDirection) -> list[TrialRecord]:
    """The complete trials, the best first."""
    told = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
    return sorted(told, key=lambda trial: rank(direction, trial.value or 0.0, trial.number))


def _failures(trials: Iterable[TrialRecord]) -> dict[str, tuple[int, ...]]:
    """Trial numbers by cause, the most frequent cause first."""
    return _grouped((trial.cause, trial.number) for trial in trials)


def _grouped(pairs: Iterable[tuple[str | None, int]]) -> dict[str, tuple[int, ...]]:
    """Numbers by name, those without one left out; the most frequent name first."""
    found: dict[str, list[int]] = {}
    for name, number in pairs:
        if name:
            found.setdefault(name, []).append(number)
    return {name: tuple(numbers) for name, numbers in sorted(found.items(), key=lambda item: -len(item[1]))}


def _wall_s(trials: Sequence[FrozenTrial]) -> float:
    starts = [trial.datetime_start for trial in trials if trial.datetime_start]
    last = max([*starts, *(trial.datetime_complete for trial in trials if trial.datetime_complete)], default=None)
    if last is None:
        return 0.0
    spans = sorted((trial.datetime_start, trial.datetime_complete or last) for trial in trials if trial.datetime_start)
    total, reached = timedelta(), spans[0][0]
    for start, end in spans:
        idle = (start - reached).total_seconds()
        total += max(end - reached, timedelta()) if idle <= IDLE_S else end - start
        reached = max(reached, end)
    return round(total.total_seconds(), 3)
