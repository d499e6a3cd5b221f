"""The Pareto front of a study of several objectives."""

from collections.abc import Iterator

from markupsafe import Markup

from .....common.charts.frame import SMALL, Axis, Frame
from .....common.charts.scale import around
from .....common.charts.svg import dot
from .....common.charts.thin import thinned
from .....common.sections import Block, Chart, Charts, Section, Table, Text
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
    yield Charts([_chart(summary, axis) for axis in range(1, len(summary.objectives))])
    yield _table(summary)
    if len(summary.front) > ROWS:
        yield Text(f"And {len(summary.front) - ROWS:,} more.", quiet=True)


def _chart(summary: StudySummary, axis: int) -> Chart:
    """The first objective upward, another one across."""
    on_front = {trial.number for trial in summary.front}
    whole = [trial for trial in summary.ranking() if len(trial.values) == len(summary.objectives)]
    shown = thinned(whole, DOTS, [row for row, trial in enumerate(whole) if trial.number in on_front])
    across, upward = ([trial.values[index] for trial in shown] for index in (axis, 0))
    name = summary.objectives[axis][0]
    frame = Frame(Axis(around(across, *SMALL.across), name, 4), Axis(around(upward, *SMALL.upward), "", 4), SMALL)
    return Chart(frame.draw(f"{summary.metric} against {name}", [*_dots(frame, shown, axis, on_front)]))


def _dots(frame: Frame, trials: list[TrialRecord], axis: int, on_front: set[int]) -> Iterator[Markup]:
    for trial in sorted(trials, key=lambda trial: trial.number in on_front):  # the front on top
        if (at := frame.at(trial.values[axis], trial.values[0])) is not None:
            is_best = trial.number in on_front
            yield dot(
                at,
                "best" if is_best else "usual",
                f"trial {trial.number}: {numbers_of(trial.values)}",
                4 if is_best else 2.6,
            )


def _table(summary: StudySummary) -> Table:
    metrics = [metric for metric, _ in summary.objectives]
    rows = [[str(each.number), *map(number_of, each.values), params_line(each.params)] for each in summary.front[:ROWS]]
    knee = {row for row, trial in enumerate(summary.front) if trial is summary.best}
    return Table(["trial", *metrics, "parameters"], rows, frozenset(["trial", *metrics]), frozenset(knee))
