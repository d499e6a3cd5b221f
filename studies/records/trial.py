"""A trial as a plain record, read from the store."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import reduce
from operator import getitem
from typing import Any, TypeVar

from optuna.trial import FrozenTrial, TrialState

from ...common.folds import Spread, spread_of, values_of_folds
from ...errors import StudyError
from .. import attributes
from ..lineage import extended_trial
from .others import Kept, others_at

T = TypeVar("T")
D = TypeVar("D")

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
"""The words for the states of Optuna, in the order of the counts."""

PAUSED = "paused"
"""The word for a trial that waits at a rung: RUNNING to Optuna, and nobody's."""

_VIOLATIONS = ("diverged", "out_of_memory", "timed_out")  # told as violated constraints, see search/loop/outcome.py
_BROKE = "violated"  # it broke a constraint, so that it was trained no further
_UNTOLD = ("config", "model_source", "checkpoint", "other_curves")


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial.

    `state` is complete, pruned, failed, running, waiting or paused; `rung` where it is paused (from 0), or is about to
    be as that is decided, else None; `status` how training ended (finished, stopped, diverged, ...), empty where it has
    not; `value` the objective, None where none was told; `params` by dotted key; `curve` the reported objective by
    epoch (from 1), or where it has `folds` (0 for none) the mean over folds by their number; `epochs` how many it has
    trained by these reports, a fold as many as its budget; `metrics` those of `best_epoch`, which is one within a fold,
    and then means over folds; `attempts` how many workers were lost under it; `duration_s` seconds of training;
    `verdict` what its history says of it, with the keys kind, evidence, advice and settings, empty where none was made;
    `lr_factors` what plateaus left of the learning rate by epoch, () under other schedules; `config` the JSON text of
    its TrialConfig; `model_source` the SHA-256 of the file of a user's model, empty for others; `checkpoint` its newest
    one among the shared files, {} where there is none; `audit` where it would have been stopped, with the keys epoch
    and, at a rung, rung, None where it is not audited; `origin` what it was put in line for, {} where a sampler drew it
    (see attributes.ORIGIN).
    `others` are its values for further objectives, those of its last epoch where none were told, and `other_curves` all
    of them by epoch, see others.py; `excesses` by how much it breaks each constraint, as a share of the limit, 0 or
    less where it keeps to it.
    """

    number: int
    state: str
    rung: int | None
    value: float | None
    params: Mapping[str, Any]
    epochs: int
    folds: int
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
    checkpoint: Mapping[str, Any]
    audit: Mapping[str, Any] | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[float, ...] = ()
    other_curves: Kept = field(default_factory=dict)
    excesses: Mapping[str, float] = field(default_factory=dict)

    @property
    def extends(self) -> int | None:
        """The trial whose configuration it trains for longer; None where it extends none."""
        return extended_trial(self.origin)

    def values_at(self, epoch: int) -> tuple[float, ...]:
        """Its values for all objectives at the end of `epoch`, which it has reported."""
        return (self.curve[epoch], *others_at(self.other_curves, epoch))

    @property
    def values(self) -> tuple[float, ...]:
        """Its values for all objectives; () where none was told."""
        return () if self.value is None else (self.value, *self.others)

    @property
    def broken(self) -> tuple[str, ...]:
        """The constraints that it breaks, the worst first."""
        names = (name for name, excess in self.excesses.items() if excess > 0 and name != attributes.USABLE)
        return tuple(sorted(names, key=lambda name: -self.excesses[name]))

    @property
    def is_foreign(self) -> bool:
        """Whether a program other than hpo has run it."""
        # hpo keeps the configuration of every trial that it trains; no other program writes one
        return self.state in ("complete", "pruned") and not self.config

    @property
    def cut_short(self) -> str:
        """The status of a training that ended before its plan, and that nothing stopped for others; empty for the rest.

        Optuna's state of such a trial is PRUNED, too.
        """
        return self.status if self.state == "pruned" and self.status in (*_VIOLATIONS, _BROKE) else ""

    @property
    def cause(self) -> str | None:
        """The reason of its failure in a few words; None for none.

        Being pruned is no failure; diverging, running out of memory and of time are, and breaking a constraint is,
        though Optuna's state says PRUNED or COMPLETE.
        """
        if self.status in _VIOLATIONS:
            return self.status
        if self.broken:
            return f"breaks {', '.join(self.broken)}"
        return (self.error or self.message or "unknown") if self.state == "failed" else None

    @property
    def numerics(self) -> dict[str, str]:
        """Its arithmetic: `precision` (fp32, bf16, fp16) and `compile` (off, on).

        Empty before it has a configuration, and where another version wrote that in another form; one of an older
        version may say `auto`.
        """
        precision, compiled = _setting(self.config, "precision", "dtype"), _setting(self.config, "compile")
        return {} if precision is None or compiled is None else {"precision": precision, "compile": compiled}

    @property
    def planned_epochs(self) -> int | None:
        """The epochs of its budget, over all folds; None where its configuration does not say."""
        epochs = _setting(self.config, "budget", "epochs")
        return epochs * max(self.folds, 1) if isinstance(epochs, int) else None

    @property
    def seed(self) -> int | None:
        """The seed that it trained with; None where its configuration does not say."""
        seed = _setting(self.config, "seed")
        return seed if isinstance(seed, int) else None

    @property
    def spread(self) -> Spread | None:
        """The spread of the folds that have ended; None for fewer than two."""
        return spread_of(values_of_folds(self.curve.values())) if self.folds else None

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON object.

        The keys of `curve` become texts; `config` is left out but for `numerics`, as is what names files.
        """
        kept = {name: value for name, value in asdict(self).items() if name not in _UNTOLD}
        kept["values"] = list(self.values)
        sd, se = self.spread or (None, None)
        curve = {str(epoch): value for epoch, value in self.curve.items()}
        return {**kept, **self.numerics, "sd": sd, "se": se, "curve": curve}


def read_trial(trial: FrozenTrial) -> TrialRecord:
    """The record of one of Optuna's trials.

    Raises:
        StudyError: its number is no number.
    """
    paused = _attribute(trial, attributes.PAUSED, dict, {}) if trial.state is TrialState.RUNNING else {}
    decided = {} if trial.state.is_finished() else _attribute(trial, attributes.DECISION, dict, {})
    other_curves = _attribute(trial, attributes.OTHERS, dict, {})
    span = trial.datetime_complete - trial.datetime_start if trial.datetime_complete and trial.datetime_start else None
    # the span counts interruptions, too: it stands in only for trials of other programs, which do not pause
    spent = span.total_seconds() if span and attributes.PAUSED not in trial.user_attrs else None
    # Optuna tells no value of a trial that was pruned where there are several objectives
    last = max(trial.intermediate_values, default=0)
    is_stopped = trial.state is TrialState.PRUNED and last and other_curves
    values = trial.values or ([trial.intermediate_values[last]] if is_stopped else None)
    config = _attribute(trial, attributes.CONFIG, str, "")
    folds, epochs_a_step = _folds(config)
    return TrialRecord(
        number=_number(trial),
        state=PAUSED if paused else STATES[trial.state],
        rung=paused.get("rung", decided.get("rung")),
        value=values[0] if values else None,  # `trial.value` raises where a study has several objectives
        params=trial.params,
        epochs=len(trial.intermediate_values) * epochs_a_step,
        folds=folds,
        curve=dict(sorted(trial.intermediate_values.items())),
        duration_s=_attribute(trial, attributes.DURATION_S, float, spent),
        status=_attribute(trial, attributes.STATUS, str, ""),
        message=_attribute(trial, attributes.MESSAGE, str, ""),
        error=_attribute(trial, attributes.ERROR, str, ""),
        best_epoch=_attribute(trial, attributes.BEST_EPOCH, int, None),
        metrics=_attribute(trial, attributes.METRICS, dict, {}),
        attempts=sum(_attribute(trial, loss, int, 0) for loss in attributes.LOSSES),
        verdict=_attribute(trial, attributes.VERDICT, dict, {}),
        lr_factors=tuple(_attribute(trial, attributes.LR_FACTORS, list, [])),
        config=config,
        model_source=_attribute(trial, attributes.MODEL_SOURCE, str, ""),
        checkpoint=_attribute(trial, attributes.CHECKPOINT, dict, {}),
        audit=_attribute(trial, attributes.AUDIT, dict, None),
        origin=_attribute(trial, attributes.ORIGIN, dict, {}),
        others=tuple(trial.values[1:] if trial.values else others_at(other_curves, last)),
        other_curves=other_curves,
        excesses=dict(trial.constraints),
    )


def _folds(config: str) -> tuple[int, int]:
    """The folds of a configuration, 0 for none, and the epochs from one report to the next."""
    # most have none, which the text tells without being read
    if '"folds":' not in config or '"folds":null' in config:
        return 0, 1
    folds, epochs = _setting(config, "data", "folds"), _setting(config, "budget", "epochs")
    return (folds, epochs) if isinstance(folds, int) and isinstance(epochs, int) else (0, 1)


def _setting(config: str, *keys: str) -> Any:
    """The value at `keys` in the JSON text of a configuration; None where it has none."""
    # read as plain JSON: a configuration of another version must not make the whole list of trials unreadable
    try:
        return reduce(getitem, keys, json.loads(config))
    except (ValueError, LookupError, TypeError):
        return None


def _attribute(trial: FrozenTrial, name: str, kind: type[T], default: D) -> T | D:
    """The user attribute `name`, or `default` where it is none of `kind`."""
    # other programs may have attributes of the same names that say something else
    value = trial.user_attrs.get(name)
    return value if isinstance(value, kind) else default


def _number(trial: FrozenTrial) -> int:
    """The number of `trial`, checked, as it becomes a folder's name."""
    # SQLite keeps any text in a column of numbers, and a home may come from somebody else: `../..` must not pass
    if not isinstance(trial.number, int):
        raise StudyError(f"a trial must have a number, the store says {trial.number!r}")
    return trial.number
