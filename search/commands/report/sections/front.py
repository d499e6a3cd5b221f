"""The Pareto front of a study of several objectives."""

from collections.abc import Container, Iterable, Iterator
from itertools import pairwise

from markupsafe import Markup

from .....common.charts.frame import WIDE, Axis, Frame
from .....common.charts.scale import around
from .....common.charts.svg import dot, path
from .....common.charts.thin import thinned
from .....common.sections import Block, Chart, Section, Table, Text
from .....studies.records.study import StudySummary
from .....studies.records.trial import TrialRecord
from ....progress.format import number_of, numbers_of, params_line
from ..material import Material
from .registry import register_section

DOTS, ROWS = 250, 40
"""Trials that are drawn and listed at most: all of the front, then others, evenly between the first and the last."""


@register_section("front", place=1)
def front(material: Material) -> Section | None:
    """The trials that no other dominates; None where there is one objective, or no complete trial."""
    return Section("The front", [*_blocks(material.summary)]) if material.summary.front else None


def _blocks(summary: StudySummary) -> Iterator[Block]:
    assert summary.best is not None
    count = f"{len(summary.front):,} of {len(summary.ranking()):,} complete trials"
    yield Text(
        f"No other trial beats these {count} in one objective without losing in another. Trial {summary.best.number} "
        "is the knee, the nearest to the best value of each; hpo retrain-best takes it, or another one with --pick.",
        quiet=True,
    )
    yield from (_chart(summary, axis) for axis in range(1, len(summary.objectives)))
    yield _table(summary)
    if len(summary.front) > ROWS:
        yield Text(f"And {len(summary.front) - ROWS:,} more.", quiet=True)


def _chart(summary: StudySummary, axis: int) -> Chart:
    """The first objective upward, another one across; a line along the front where there is no third."""
    assert summary.best is not None
    on_front = {trial.number for trial in summary.front}
    whole = [trial for trial in summary.ranking() if len(trial.values) == len(summary.objectives)]
    shown = thinned(whole, DOTS, [row for row, trial in enumerate(whole) if trial.number in on_front])
    across, upward = ([trial.values[index] for trial in shown] for index in (axis, 0))
    name, direction = summary.objectives[axis]
    frame = Frame(Axis(around(across, *WIDE.across), name), Axis(around(upward, *WIDE.upward), summary.metric))
    parts = [*_dots(frame, shown, axis, on_front, summary.best)]
    if len(summary.objectives) == 2:
        parts.insert(0, path(frame.points(_stairs(summary.front, best_is_least=direction == "minimize")), "best"))
    return Chart(frame.draw(f"{summary.metric} against {name}", parts), _legend(summary))


def _legend(summary: StudySummary) -> list[tuple[str, str]]:
    assert summary.best is not None
    front = [("best", f"the front; larger: trial {summary.best.number}, the knee")]
    return [*front, ("usual", "other complete trials")] if len(summary.ranking()) > len(summary.front) else front


def _stairs(front: Iterable[TrialRecord], *, best_is_least: bool) -> Iterator[tuple[float, float]]:
    """Where the front is to be drawn, from its best by the second objective: what is behind it is dominated."""
    points = sorted(((trial.values[1], trial.values[0]) for trial in front), reverse=not best_is_least)
    for (across, upward), (following, _) in pairwise(points):
        yield across, upward
        yield following, upward
    yield from points[-1:]


def _dots(
    frame: Frame, trials: list[TrialRecord], axis: int, on_front: Container[int], knee: TrialRecord
) -> Iterator[Markup]:
    for trial in sorted(trials, key=lambda trial: trial.number in on_front):  # the front on top
        if (at := frame.at(trial.values[axis], trial.values[0])) is not None:
            is_best = trial.number in on_front
            radius = 7 if trial.number == knee.number else 4.5 if is_best else 3
            yield dot(at, "best" if is_best else "usual", f"trial {trial.number}: {numbers_of(trial.values)}", radius)


def _table(summary: StudySummary) -> Table:
    metrics = [metric for metric, _ in summary.objectives]
    rows = [[str(each.number), *map(number_of, each.values), params_line(each.params)] for each in summary.front[:ROWS]]
    knee = {row for row, trial in enumerate(summary.front) if trial is summary.best}
    return Table(["trial", *metrics, "parameters"], rows, frozenset(["trial", *metrics]), frozenset(knee))
