"""`hpo compare`, composed: two sides -> data, spaces, bests and budgets -> their winners on the same test images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ....studies.book.space_changes import Change, changes
from ....studies.home import Home
from ....studies.records.timeline import Moment
from ....training.evaluation.paired import PairedDifference, paired_difference
from .options import CompareOptions
from .side import Side, open_side


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides, and how they differ.

    `same_data` tells whether both have the very same packed images, None where that is not known; `data_changes` and
    `space_changes` are what differs in their settings, None where one of them has no space on record;
    `first_reached` is when the first had a value as good as the best of the second, None where it never had or the two
    are not comparable, and `second_reached` the other way round; `test` is the difference of their winners on the test
    images; `not_compared` says in sentences what could not be compared, and why.
    """

    first: Side
    second: Side
    same_data: bool | None
    data_changes: tuple[Change, ...] | None
    space_changes: tuple[Change, ...] | None
    first_reached: Moment | None
    second_reached: Moment | None
    test: PairedDifference | None
    not_compared: tuple[str, ...]

    @property
    def same_objective(self) -> bool:
        """Whether both are studies, of one metric, direction and epoch that counts, on the same data."""
        return _is_comparable(self.first, self.second, self.same_data)

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo compare --json` prints."""
        return {
            "first": _side_to_json(self.first, self.first_reached),
            "second": _side_to_json(self.second, self.second_reached),
            "same_data": self.same_data,
            "data_changes": _changes_to_json(self.data_changes),
            "space_changes": _changes_to_json(self.space_changes),
            "same_objective": self.same_objective,
            "test": self.test and asdict(self.test),
            "not_compared": list(self.not_compared),
        }


def compare(options: CompareOptions) -> Comparison:
    """Compare two studies or exports, by what is on record of them: nothing is trained, and no test image looked at.

    Raises:
        StudyError: no such study.
        ExportError: a folder holds no export, or one that cannot be read.
    """
    home = Home.locate(options.home)
    first, second = (open_side(name, home, options.storage) for name in (options.first, options.second))
    same_data = first.fingerprint == second.fingerprint if first.fingerprint and second.fingerprint else None
    differences = _changes(first.space, second.space)
    of_data = tuple(change for change in differences or () if change.key.startswith("data."))
    comparable = _is_comparable(first, second, same_data)
    return Comparison(
        first=first,
        second=second,
        same_data=same_data,
        data_changes=None if differences is None else of_data,
        space_changes=None if differences is None else tuple(each for each in differences if each not in of_data),
        first_reached=_reached(first, second) if comparable else None,
        second_reached=_reached(second, first) if comparable else None,
        test=_tested(first, second) if not _untested(first, second, same_data) else None,
        not_compared=(*_not_compared(first, second, same_data, differences), *_untested(first, second, same_data)),
    )


def _is_comparable(first: Side, second: Side, same_data: bool | None) -> bool:
    are_studies = first.summary is not None and second.summary is not None
    return are_studies and same_data is True and not _objectives(first, second)


def _changes(first: Mapping[str, Any] | None, second: Mapping[str, Any] | None) -> list[Change] | None:
    if first is None or second is None:
        return None
    try:
        return changes(first, second)
    except (KeyError, TypeError, AttributeError):  # a space of another version, or edited
        return None


def _objectives(first: Side, second: Side) -> tuple[str, str] | tuple[()]:
    """The objectives of both in words where they differ; () where they are the same, or a side is no study."""
    if first.summary is None or second.summary is None:
        return ()
    one, other = first.summary.goals, second.summary.goals
    return () if one == other else (one, other)


def _reached(side: Side, other: Side) -> Moment | None:
    """When `side` first had a value as good as the best of `other`."""
    if side.summary is None or other.best is None:
        return None
    sign = 1 if side.summary.direction == "maximize" else -1
    return next((moment for moment in side.moments if sign * (moment.value - other.best.value) >= 0), None)


def _not_compared(
    first: Side, second: Side, same_data: bool | None, differences: Sequence[Change] | None
) -> Iterator[str]:
    if same_data is None:
        yield "whether the data are the same: another program made one of the studies, and kept no fingerprint"
    if first.summary is None or second.summary is None:
        return
    if not same_data:
        yield "the epochs until one had the other's best: values on other data are not comparable"
    elif objectives := _objectives(first, second):
        yield f"the best values: one search is to {objectives[0]}, the other to {objectives[1]}"
    if differences is None:
        yield "the spaces: another program, or another version of hpo, made one of the studies"


def _untested(first: Side, second: Side, same_data: bool | None) -> tuple[str, ...]:
    """Why the winners cannot be compared on the test images; () where they can."""
    lacks = [side.untested for side in (first, second) if side.untested]
    if lacks:
        return (f"the winners on the test images: {'; '.join(dict.fromkeys(lacks))}",)
    fingerprints = {side.export.manifest.data_fingerprint for side in (first, second) if side.export is not None}
    if same_data is not True or len(fingerprints) > 1:
        return ("the winners on the test images: they were tested on other images, so that nothing is paired",)
    return ()


def _tested(first: Side, second: Side) -> PairedDifference:
    assert first.predictions is not None  # as `_untested` says
    assert second.predictions is not None
    return paired_difference(first.predictions.right, second.predictions.right)


def _side_to_json(side: Side, reached: Moment | None) -> dict[str, Any]:
    summary, manifest, best = side.summary, side.export and side.export.manifest, side.best
    return {
        "name": side.name,
        "fingerprint": side.fingerprint,
        "study": summary
        and {
            "direction": summary.direction,
            "metric": summary.metric,
            "at": summary.at,
            "trials": dict(summary.counts),
            "epochs_total": summary.epochs_total,
            "wall_s": summary.wall_s,
            "best": best and {**_moment_to_json(best), "interval": summary.best_interval},
            "reached_the_others_best": reached and _moment_to_json(reached),
        },
        "export": side.export
        and manifest
        and {
            "path": str(side.export.path),
            "trial": manifest.trial,
            "model_version": manifest.model_version,
            **manifest.metrics.model_dump(
                mode="json", include={"test_accuracy", "test_interval", "test_images", "test_opening"}
            ),
        },
    }


def _moment_to_json(moment: Moment) -> dict[str, Any]:
    return {"trial": moment.trial, "value": moment.value, "epochs": moment.epochs, "wall_s": moment.wall_s}


def _changes_to_json(differences: tuple[Change, ...] | None) -> list[dict[str, Any]] | None:
    if differences is None:
        return None
    return [{"key": each.key, "first": each.old, "second": each.new, "kind": each.kind} for each in differences]
