"""`hpo compare`: two studies, or two exports, side by side."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..commands.compare.options import CompareOptions
from .common import JsonOption, command, print_json

if TYPE_CHECKING:
    from ...studies.book.space_changes import Change
    from ...studies.records.timeline import Moment
    from ..commands.compare.compare import Comparison
    from ..commands.compare.side import Side

_CHANGES = 20  # that fit a screen; --json has all
_LEVEL = 0.05  # beside an interval of 95 %


@command
def compare(options: CompareOptions, json: JsonOption = False) -> None:
    """Compare two studies, or two exports: data, spaces, bests, budgets, and their winners on the test images.

    The winners are compared by the test predictions that their exports keep, image by image. No image is looked at.
    """
    from ..commands.compare.compare import compare as set_side_by_side

    comparison = set_side_by_side(options)
    print_json(comparison.to_json()) if json else _show(comparison)


def _show(comparison: "Comparison") -> None:
    from .tables import stdout, table

    console, first, second = stdout(), comparison.first, comparison.second
    view = table("side by side", first.name, second.name)
    for title, one, other in _rows(comparison):
        view.add_row(title, one, other)
    console.print(view)
    console.print(_data_line(comparison))
    _print_changes(comparison.data_changes, console.print)
    if comparison.space_changes is not None:
        console.print("the same space" if not comparison.space_changes else "the spaces differ:")
        _print_changes(comparison.space_changes, console.print)
    if comparison.test is not None:
        for text in _test_lines(comparison):
            console.print(text)
    for text in comparison.not_compared:
        console.print(f"not compared: {text}")


def _rows(comparison: "Comparison") -> list[tuple[str, str, str]]:
    """The facts of both sides, those that neither has left out."""
    first = _facts(comparison.first, comparison.first_reached, comparison)
    second = _facts(comparison.second, comparison.second_reached, comparison)
    return [(title, first.get(title, "-"), second.get(title, "-")) for title in dict.fromkeys((*first, *second))]


def _facts(side: "Side", reached: "Moment | None", comparison: "Comparison") -> dict[str, str]:
    from ..progress.counted import counted
    from ..progress.format import duration, number_of, with_interval

    facts: dict[str, str] = {}
    if (summary := side.summary) is not None:
        facts["objective"] = summary.goals
        facts["trials"] = counted(summary)
        facts["epochs"], facts["wall time"] = f"{summary.epochs_total:,}", duration(summary.wall_s)
        if (best := side.best) is not None:
            # the interval is known of trials that hpo ran
            own = summary.best is not None and summary.best.number == best.trial
            value = with_interval(best.value, summary.best_interval) if own else number_of(best.value)
            facts["best"] = f"{value}, trial {best.trial}"
            facts["best reached after"] = _spent(best)
        if comparison.same_objective:
            facts["the other's best after"] = _spent(reached) if reached else "never"
    if side.export is not None:
        metrics = side.export.manifest.metrics
        facts["test accuracy"] = with_interval(metrics.test_accuracy, metrics.test_interval)
        facts["tested"] = (
            f"trial {side.export.manifest.trial}, look {metrics.test_opening} at {metrics.test_images:,} images"
        )
    return facts


def _spent(moment: "Moment") -> str:
    from ..progress.format import duration

    return f"{moment.epochs:,.0f} epochs, {duration(moment.wall_s)}"


def _data_line(comparison: "Comparison") -> str:
    if comparison.same_data is None:
        return "whether the data are the same is not known"
    prints = f"{comparison.first.fingerprint} and {comparison.second.fingerprint}"
    return "the same data" if comparison.same_data else f"the data differ: fingerprints {prints}"


def _print_changes(differences: "tuple[Change, ...] | None", show: Callable[[str], None]) -> None:
    for change in (differences or ())[:_CHANGES]:
        show(f"  {change.key}: {change.old} -> {change.new}")
    if differences and len(differences) > _CHANGES:
        show(f"  and {len(differences) - _CHANGES} more")


def _test_lines(comparison: "Comparison") -> Iterator[str]:
    """The difference of the winners, and whether it may be chance."""
    test = comparison.test
    if test is None:
        return
    low, high = test.interval
    alone = f"{comparison.first.name} alone has {test.only_first:,} right"
    yield f"on the same {test.images:,} test images: {alone}, {comparison.second.name} alone {test.only_second:,}"
    yield f"test accuracy differs by {test.difference:+.4f} (95 %: {low:+.4f} to {high:+.4f}), p = {test.p:.2g}: " + (
        "more than chance explains" if test.p <= _LEVEL else "chance may explain it"
    )
