"""The course of a search: the best value so far against epochs and wall time."""

from collections.abc import Callable, Iterator

from markupsafe import Markup

from .....common.charts.frame import WIDE, Axis, Frame
from .....common.charts.scale import Numbers, around
from .....common.charts.svg import dot, path
from .....common.charts.thin import thinned, thinned_words
from .....common.sections import Block, Chart, Section
from .....studies.records.timeline import Moment
from ....progress.format import number_of
from ..material import Material
from .registry import register_section

UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))
"""Units of time with their seconds: the first of which there are three at least."""

DOTS = 400
"""Trials that are drawn: more cover each other."""


@register_section("history", place=20)
def history(material: Material) -> Section | None:
    """Both charts; None where no trial is complete."""
    if not material.moments:
        return None
    summary = material.summary
    epochs = summary.epochs_total
    blocks: list[Block] = [_chart(material, "epochs of all trials", lambda moment: moment.epochs, epochs, 0)]
    if summary.wall_s > 0:
        unit, seconds = next(
            (unit, seconds) for unit, seconds in UNITS if summary.wall_s >= 3 * seconds or seconds == 1
        )
        title, total = f"{unit} of search", summary.wall_s / seconds
        blocks.append(_chart(material, title, lambda moment: moment.wall_s / seconds, total, 1))
    return Section("The best so far", blocks)


def _chart(material: Material, title: str, spent: Callable[[Moment], float], total: float, decimals: int) -> Chart:
    """The chart against what was `spent` of a `total`, in words with so many decimals."""
    moments, summary = material.moments, material.summary
    last = max(total, spent(moments[-1])) or 1.0
    values = [moment.value for moment in moments]
    frame = Frame(Axis(Numbers(0, last, *WIDE.across), title), Axis(around(values, *WIDE.upward), summary.metric))
    improving = [row for row, moment in enumerate(moments) if moment.improves]
    shown = thinned(moments, DOTS, improving)
    best = [moments[row] for row in improving]
    steps = [*_steps([(spent(moment), moment.value) for moment in best], last)]
    words = f"The best {summary.metric} so far against {title}: {number_of(best[-1].value)} in the end"
    svg = frame.draw(words, [*_dots(frame, shown, spent), path(frame.points(steps), "best", words)])
    legend = (("best", "the best so far"), ("usual", "a complete trial, at its end"))
    amounts = f"after {spent(best[-1]):,.{decimals}f} of {last:,.{decimals}f} {title}"
    origin = f"The best came from trial {best[-1].trial}, {amounts}."
    return Chart(svg, legend, f"{origin} {thinned_words(len(shown), len(moments), 'trials')}".strip())


def _steps(points: list[tuple[float, float]], last: float) -> Iterator[tuple[float, float]]:
    """The corners of a line that stays level between improvements."""
    for index, (across, value) in enumerate(points):
        if index:
            yield across, points[index - 1][1]
        yield across, value
    yield last, points[-1][1]


def _dots(frame: Frame, moments: list[Moment], spent: Callable[[Moment], float]) -> Iterator[Markup]:
    for moment in moments:
        if (at := frame.at(spent(moment), moment.value)) is not None:
            yield dot(at, "usual", f"trial {moment.trial}: {number_of(moment.value)}", 2.4)
