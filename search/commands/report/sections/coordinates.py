"""Parallel coordinates: the whole configurations of trials, the best in colour."""

from collections.abc import Sequence
from math import isfinite

from .....common.charts.parallel import BOTTOM, TOP, Thread, Upright, parallel
from .....common.charts.scale import around
from .....common.charts.thin import thinned
from .....common.sections import Chart, Section
from .....studies.records.trial import TrialRecord
from ....progress.format import number_of
from ..axes import scale_of
from ..material import Material
from .registry import register_section

AXES, LINES = 9, 150
"""Parameters and trials that are drawn: of more, names and lines cover each other."""

BEST = 10
"""One trial in so many is drawn as one of the best, at least one."""

FEWEST = 4
"""Complete trials below which there is nothing to see."""

VALUE = "\0value"
"""The key of the objective among the parameters: none can be called so."""


@register_section("coordinates", place=32)
def coordinates(material: Material) -> Section | None:
    """The chart; None for few trials, or fewer than two parameters."""
    ranked = [trial for trial in material.ranked if isfinite(trial.value or 0.0)]
    axes = _axes(material, ranked) if len(ranked) >= FEWEST else []
    if len(axes) < 2:
        return None
    metric, count = material.summary.metric, max(1, len(ranked) // BEST)
    drawn = thinned(ranked, LINES, range(min(count, LINES)))
    best = {trial.number for trial in ranked[:count]}
    threads = [_thread(trial, ranked[0].number, best) for trial in reversed(drawn)]  # the best last, on top
    values = around([trial.value or 0.0 for trial in ranked], BOTTOM, TOP)
    uprights = [*axes[:AXES], Upright(VALUE, metric, values)]
    svg = parallel(uprights, threads, f"{len(drawn)} trials by their parameters and {metric}")
    caption = _caption(len(drawn), len(ranked), len(axes))
    return Section("Whole configurations", [Chart(svg, _legend(count, len(ranked)), caption)])


def _axes(material: Material, trials: Sequence[TrialRecord]) -> list[Upright]:
    """The parameters: those that most trials have first, else in the order of the space."""
    having = {key: [trial for trial in trials if key in trial.params] for key in material.keys}
    scales = {
        key: scale_of(material, key, [trial.params[key] for trial in those], BOTTOM, TOP)
        for key, those in having.items()
        if those
    }
    common = sorted(scales, key=lambda key: -len(having[key]))
    return [Upright(key, key, scale) for key in common if (scale := scales[key]) is not None]


def _legend(best: int, trials: int) -> list[tuple[str, str]]:
    others = [("usual", f"the best {best:,} of {trials:,}")] if best > 1 else []
    return [("best", "the best"), *others, ("quiet", "other complete trials")]


def _thread(trial: TrialRecord, winner: int, best: set[int]) -> Thread:
    kind = "best" if trial.number == winner else "usual" if trial.number in best else "quiet"
    title = f"trial {trial.number}: {number_of(trial.value)}"
    return Thread({**trial.params, VALUE: trial.value}, kind, title)


def _caption(drawn: int, trials: int, axes: int) -> str:
    parts = []
    if drawn < trials:
        parts.append(f"{drawn:,} of {trials:,} complete trials are drawn, the best among them.")
    if axes > AXES:
        parts.append(f"{AXES} of {axes} parameters are drawn, those that most trials have.")
    return " ".join(parts)
