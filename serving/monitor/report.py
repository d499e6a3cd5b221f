"""The report of `hpo monitor` and the server's page.

How the newest predictions are, and what has changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import Engine

from ...common.manifest import Manifest
from .accuracy import Counted, Estimator
from .alarm import Alarm
from .arms import Difference, compare_apart, compare_latency, compare_paired
from .compare import Comparison, compare
from .features import Numbers, measure, watched_features
from .priors import class_priors
from .read import Counts, Window, read_alarms, read_counts, read_window
from .reference import Reference
from .watch import reference_values

WINDOW = 500  # predictions: an accuracy near 90 % is known to +-2.6 points (95 %)
LEAST = 30  # predictions that a comparison with the reference needs
_PERIODS = 24  # bars of a plot
_ALARMS = 20  # newest, of which the page shows a list


@dataclass(frozen=True, slots=True)
class Period:
    """A period of successive predictions.

    When the first came, how many, their mean confidence, the share of each class.
    """

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
    """The report.

    `latency_s` are percentiles of the window, `feedback` counts its true labels.
    """

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
        """Return the object of `hpo monitor --json` and /monitor."""
        return {**asdict(self), "alarms": [alarm.to_json() for alarm in self.alarms]}


def make_report(engine: Engine, manifest: Manifest, reference: Reference | None, size: int = WINDOW) -> Report:
    """Report on the model of `manifest` over its newest predictions.

    There are `size` of them at most.
    """
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
        # twice: the two arms share the newest predictions, of any version
        arms=_arms(read_window(engine, 2 * size)),
        alarms=tuple(read_alarms(engine, _ALARMS)),
    )


def _percentiles(values: Numbers) -> dict[str, float]:
    if not len(values):
        return {}
    percentiles = np.percentile(values, [50, 90, 99])
    return {name: float(value) for name, value in zip(("p50", "p90", "p99"), percentiles, strict=True)}


def _mean(values: Numbers) -> float:
    return float(values.mean()) if len(values) else 0.0


def _mix(answers: Sequence[str] | np.ndarray[Any, Any], names: Sequence[str]) -> dict[str, float]:
    answered, counts = np.unique(answers, return_counts=True)
    count_of = dict(zip(answered.tolist(), counts.tolist(), strict=True))
    return {name: count_of.get(name, 0) / max(1, len(answers)) for name in names}


def _periods(window: Window, names: Sequence[str]) -> tuple[Period, ...]:
    """Cut the window into at most 24 periods of equal counts."""
    parts = [part for part in np.array_split(np.arange(len(window)), _PERIODS) if len(part)]
    return tuple(
        Period(float(window.time[part[0]]), len(part), _mean(window.confidence[part]), _mix(window.answer[part], names))
        for part in parts
    )


def _feedback(window: Window) -> Counted | None:
    labelled = window.truth != ""
    if not labelled.any():
        return None
    return Counted.of(int((window.truth == window.answer)[labelled].sum()), int(labelled.sum()))


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
        mix_at_export=_mix([names[index] for index in then.argmax(axis=1)], names),
        priors=dict(zip(names, priors.tolist(), strict=True)),
        tests=compare(watched_features(names), values, recent),
    )


def _arms(window: Window) -> Difference | None:
    """Compare the challenger with the champion, or return None.

    On the images that both answered, where there are any with true labels.
    """
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
