"""Learning curves, with the rungs where trials were compared and those that went on."""

from collections.abc import Iterator, Sequence
from math import isfinite

from markupsafe import Markup

from .....common.charts.frame import WIDE, Axis, Frame
from .....common.charts.scale import Numbers, around
from .....common.charts.svg import dot, path
from .....common.charts.thin import thinned, thinned_line, thinned_words
from .....common.plural import plural
from .....common.sections import Chart, Section
from .....studies.records.rungs import Rung
from .....studies.records.trial import TrialRecord
from ....progress.format import ending, number_of
from ..material import Material
from .registry import register_section

CURVES, BEST, POINTS = 80, 20, 120
"""Curves that are drawn, the best among them that are drawn in any case, and the points of each."""


@register_section("curves", place=21)
def curves(material: Material) -> Section | None:
    """The value of each trial by epoch; None where no trial has reported two epochs."""
    trials = [trial for trial in material.summary.trials if any(map(isfinite, trial.curve.values()))]
    if not any(len(trial.curve) > 1 for trial in trials):
        return None
    best = {trial.number for trial in material.ranked[:BEST]}
    keep = [row for row, trial in enumerate(trials) if trial.number in best]
    # the best last: they lie on top
    drawn = sorted(thinned(trials, CURVES, keep), key=lambda trial: _layer(material, trial))
    frame, rungs = _frame(material, drawn), material.summary.rungs
    words = f"{material.summary.metric} of {len(drawn)} trials by epoch"
    svg = frame.draw(words, [*_rules(frame, rungs), *_lines(frame, drawn, material), *_promoted(frame, drawn, rungs)])
    caption = [thinned_words(len(drawn), len(trials), "trials"), _rungs_words(rungs)]
    return Section("Learning curves", [Chart(svg, [*_legend(material, drawn, rungs)], " ".join(filter(None, caption)))])


def _frame(material: Material, trials: Sequence[TrialRecord]) -> Frame:
    values = [value for trial in trials for value in trial.curve.values()]
    first, last = min(min(trial.curve) for trial in trials), max(max(trial.curve) for trial in trials)
    across = Axis(Numbers(first, last, *WIDE.across), "epoch")
    return Frame(across, Axis(around(values, *WIDE.upward), material.summary.metric))


def _kind(material: Material, trial: TrialRecord) -> str:
    if material.ranked and trial.number == material.ranked[0].number:
        return "best"
    return "bad" if trial.cause else "usual" if trial.state == "complete" else "quiet"


def _layer(material: Material, trial: TrialRecord) -> int:
    return ("quiet", "bad", "usual", "best").index(_kind(material, trial))


def _lines(frame: Frame, trials: Sequence[TrialRecord], material: Material) -> Iterator[Markup]:
    for trial in trials:
        state = ending(trial.cause or trial.state)
        title = f"trial {trial.number}, {state}: {number_of(trial.value)}, {plural(trial.epochs, 'epoch')}"
        points, kind = thinned_line(frame.points(trial.curve.items()), POINTS), _kind(material, trial)
        yield path(points, kind, title) if len(points) > 1 else dot(points[0], kind, title, 2.4)


def _rules(frame: Frame, rungs: Sequence[Rung]) -> Iterator[Markup]:
    for rung in rungs:
        if rung.reached:
            yield from frame.rule(rung.epoch, f"{len(rung.promoted):,} of {rung.reached:,}")


def _promoted(frame: Frame, trials: Sequence[TrialRecord], rungs: Sequence[Rung]) -> Iterator[Markup]:
    for rung in rungs:
        for trial in trials:
            if trial.number in rung.promoted and (at := frame.at(rung.epoch, trial.curve[rung.epoch])) is not None:
                yield dot(at, "good", f"trial {trial.number} went on from epoch {rung.epoch}", 3.2)


def _legend(material: Material, trials: Sequence[TrialRecord], rungs: Sequence[Rung]) -> Iterator[tuple[str, str]]:
    words = {"best": "the best", "usual": "complete", "quiet": "pruned, paused or under way", "bad": "failed"}
    kinds = {_kind(material, trial) for trial in trials}
    yield from ((kind, meaning) for kind, meaning in words.items() if kind in kinds)
    if any(rung.promoted for rung in rungs):
        yield "good", "went on from a rung"


def _rungs_words(rungs: Sequence[Rung]) -> str:
    return "At a dashed line: how many of those that reached the rung went on." if any(r.reached for r in rungs) else ""
