"""The value of trials against each parameter."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from markupsafe import Markup

from .....common.charts.frame import SMALL, Axis, Frame
from .....common.charts.scale import around
from .....common.charts.svg import dot
from .....common.charts.thin import thinned
from .....common.sections import Block, Chart, Charts, Section, Text
from .....studies.records.trial import TrialRecord
from ....progress.format import number_of, short
from ..axes import scale_of
from ..material import Material
from .registry import register_section

PARAMETERS, DOTS = 24, 250
"""Parameters that have a chart, and the trials in each; of more, the best are drawn and others evenly between them."""

BEST = 50
"""The best trials, which are drawn in any case."""

FEWEST = 3
"""Trials below which a chart shows nothing."""


@register_section("slices", place=31)
def slices(material: Material) -> Section | None:
    """A small chart for each parameter; None where too few trials are complete."""
    trials = sorted(material.ranked, key=lambda trial: trial.number)
    if len(trials) < FEWEST:
        return None
    best = {trial.number for trial in material.ranked[:BEST]}
    shown = thinned(trials, DOTS, [row for row, trial in enumerate(trials) if trial.number in best])
    charts = [chart for key in material.keys if (chart := _chart(material, key, shown)) is not None]
    return Section("Value against each parameter", [*_blocks(material, charts, len(shown))]) if charts else None


def _blocks(material: Material, charts: Sequence[Chart], shown: int) -> Iterator[Block]:
    yield Text(
        f"Complete trials, {material.summary.metric} upward. A parameter that seems to matter may only go along with "
        "one that does: samplers choose them together.",
        quiet=True,
    )
    yield Charts(charts[:PARAMETERS])
    if len(charts) > PARAMETERS:
        yield Text(f"And {len(charts) - PARAMETERS:,} more parameters.", quiet=True)
    if shown < len(material.ranked):
        yield Text(f"{shown:,} of {len(material.ranked):,} trials are drawn, the best among them.", quiet=True)


def _chart(material: Material, key: str, trials: Sequence[TrialRecord]) -> Chart | None:
    having = [trial for trial in trials if key in trial.params and isfinite(trial.value or 0.0)]
    scale = scale_of(material, key, [trial.params[key] for trial in having], *SMALL.across) if having else None
    if scale is None:
        return None
    values = [trial.value or 0.0 for trial in having]
    frame = Frame(Axis(scale, key, 4), Axis(around(values, *SMALL.upward, room=0.08), "", 4), SMALL)
    dots = [*_dots(frame, key, having, material.ranked[0].number)]
    return Chart(frame.draw(f"{material.summary.metric} against {key}", dots))


def _dots(frame: Frame, key: str, trials: Sequence[TrialRecord], best: int) -> Iterator[Markup]:
    for trial in sorted(trials, key=lambda trial: trial.number == best):  # the best on top
        value: Any = trial.params[key]
        if (at := frame.at(value, trial.value)) is not None:
            title = f"trial {trial.number}: {short(value)}, {number_of(trial.value)}"
            is_best = trial.number == best
            yield dot(at, "best" if is_best else "usual", title, 4 if is_best else 2.6)
