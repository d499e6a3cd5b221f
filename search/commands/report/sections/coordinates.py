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
    if len(ranked) < FEWEST:
        return None
    axes = _axes(material, ranked)
    if len(axes) < 2:
        return None
    best = max(1, len(ranked) // BEST)
    drawn = thinned(ranked, LINES, range(min(best, LINES)))
    limit = {trial.number for trial in ranked[:best]}
    threads = [_thread(trial, ranked[0].number, limit) for trial in reversed(drawn)]  # the best last, on top
    metric = material.summary.metric
    uprights = [*axes[:AXES], Upright(VALUE, metric, around([t.value or 0.0 for t in ranked], BOTTOM, TOP))]
    svg = parallel(uprights, threads, f"{len(drawn)} trials by their parameters and {metric}")
    tenth = [("usual", f"the best {best:,} of {len(ranked):,}")] if best > 1 else []
    legend = (("best", "the best"), *tenth, ("quiet", "other complete trials"))
    return Section("Whole configurations", [Chart(svg, legend, _caption(len(drawn), len(ranked), len(axes)))])


def _axes(material: Material, trials: Sequence[TrialRecord]) -> list[Upright]:
    """The parameters, those that most trials have first, in the order of the space."""
    keys = list(dict.fromkeys([*material.dimensions, *(key for trial in trials for key in trial.params)]))
    common = sorted(keys, key=lambda key: -sum(key in trial.params for trial in trials))[:AXES]
    scaled = [
        (key, scale_of(material, key, [trial.params[key] for trial in trials if key in trial.params], BOTTOM, TOP))
        for key in keys
        if any(key in trial.params for trial in trials)
    ]
    chosen = [Upright(key, key, scale) for key, scale in scaled if scale is not None]
    return [axis for axis in chosen if axis.key in common] + [axis for axis in chosen if axis.key not in common]


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
