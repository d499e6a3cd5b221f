"""What `hpo monitor` says and the server's page shows: how the newest predictions are, and what has changed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import Engine

from ..export_folder import Manifest
from .accuracy import Counted, Estimator
from .alarm import Alarm
from .arms import Difference, compare_apart, compare_latency, compare_paired
from .compare import Comparison, compare
from .features import Numbers, measure, watched_features
from .priors import class_priors
from .read import Counts, Window, read_alarms, read_counts, read_window
from .reference import Reference
from .watch import reference_values

WINDOW = 500
LEAST = 30  # predictions that a comparison with the reference needs
_PERIODS = 24
_ALARMS = 20


@dataclass(frozen=True, slots=True)
class Period:
    """Some successive predictions: when the first came, how many, their mean confidence, the share of each class."""

    time: float
    count: int
    confidence: float
    mix: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Expected:
    """The newest predictions beside the reference.

    Attributes:
        accuracy_at_export: on images that the model had not trained on.
        accuracy_now: estimated, without labels.
        mix_at_export: the share of each answer there.
        priors: the share of each true class now, estimated.
        tests: two-sample tests, p-values corrected for their number.
    """

    accuracy_at_export: float
    accuracy_now: float
    mix_at_export: Mapping[str, float]
    priors: Mapping[str, float]
    tests: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is said; `latency_s` are percentiles of the window, `feedback` counts its true labels."""

    study: str
    version: str
    counts: Counts
    window: int
    latency_s: Mapping[str, float]
    confidence: float
    mix: Mapping[str, float]
    periods: tuple[Period, ...]
    feedback: Counted | None
    expected: Expected | None
    arms: Difference | None
    alarms: tuple[Alarm, ...]

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo monitor --json` prints and the server gives at /monitor."""
        return {**asdict(self), "alarms": [alarm.to_json() for alarm in self.alarms]}


def make_report(engine: Engine, manifest: Manifest, reference: Reference | None, size: int = WINDOW) -> Report:
    """The state of affairs of the model that `manifest` describes, over its newest `size` predictions."""
    window = read_window(engine, size, manifest.model_version)
    return Report(
        study=manifest.study,
        version=manifest.model_version,
        counts=read_counts(engine),
        window=len(window),
        latency_s=_percentiles(window.latency_s),
        confidence=_mean(window.confidence),
        mix=_mix(window.answer, manifest.class_names),
        periods=_periods(window, manifest.class_names),
        feedback=_feedback(window),
        expected=_expected(window, manifest, reference),
        arms=_arms(read_window(engine, 2 * size)),
        alarms=tuple(read_alarms(engine, _ALARMS)),
    )


def _percentiles(values: Numbers) -> dict[str, float]:
    if not len(values):
        return {}
    found = np.percentile(values, [50, 90, 99])
    return {name: float(value) for name, value in zip(("p50", "p90", "p99"), found, strict=True)}


def _mean(values: Numbers) -> float:
    return float(values.mean()) if len(values) else 0.0


def _mix(answers: Sequence[str] | np.ndarray[Any, Any], names: Sequence[str]) -> dict[str, float]:
    answered, counts = np.unique(answers, return_counts=True)
    found = dict(zip(answered.tolist(), counts.tolist(), strict=True))
    return {name: found.get(name, 0) / max(1, len(answers)) for name in names}


def _periods(window: Window, names: Sequence[str]) -> tuple[Period, ...]:
    """Periods of as many predictions each, at most 24."""
    parts = [part for part in np.array_split(np.arange(len(window)), _PERIODS) if len(part)]
    return tuple(
        Period(float(window.time[part[0]]), len(part), _mean(window.confidence[part]), _mix(window.answer[part], names))
        for part in parts
    )


def _feedback(window: Window) -> Counted | None:
    known = window.truth != ""
    return Counted.of(int((window.truth == window.answer)[known].sum()), int(known.sum())) if known.any() else None


def _expected(window: Window, manifest: Manifest, reference: Reference | None) -> Expected | None:
    if reference is None or len(window) < LEAST or window.probabilities.shape[1] != reference.classes:
        return None
    names = manifest.class_names
    then = reference.probabilities(manifest.temperature)
    neighbourhood, values = reference_values(reference, manifest.temperature)
    now = window.probabilities
    recent = measure(now, window.statistics, neighbourhood.similarity(now))
    priors = class_priors(reference.labels, then.argmax(axis=1), now.argmax(axis=1), len(names))
    return Expected(
        accuracy_at_export=float((then.argmax(axis=1) == reference.labels).mean()),
        accuracy_now=Estimator(then, reference.labels).accuracy(now),
        mix_at_export=_mix([names[place] for place in then.argmax(axis=1)], names),
        priors=dict(zip(names, priors.tolist(), strict=True)),
        tests=compare(watched_features(names), values, recent),
    )


def _arms(window: Window) -> Difference | None:
    """The challenger against the champion; on the images that both answered, where there are any with true labels."""
    sides = [np.flatnonzero(window.arm == arm) for arm in ("champion", "challenger")]
    if not all(len(side) for side in sides):
        return None
    latency, latency_p = compare_latency(window.latency_s[sides[0]], window.latency_s[sides[1]])
    right = window.truth == window.answer
    labelled = [side[window.truth[side] != ""] for side in sides]
    _, first, second = np.intersect1d(window.request[labelled[0]], window.request[labelled[1]], return_indices=True)
    if len(first):
        accuracy, p_value = compare_paired(right[labelled[0][first]], right[labelled[1][second]])
        return Difference(accuracy, p_value, len(first), True, latency, latency_p)
    if all(len(side) for side in labelled):
        accuracy, p_value = compare_apart(right[labelled[0]], right[labelled[1]])
        return Difference(accuracy, p_value, sum(map(len, labelled)), False, latency, latency_p)
    return Difference(None, None, 0, False, latency, latency_p)
