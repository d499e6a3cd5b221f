"""Notes on rare classes and groups in a split."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .sources.base import listed

Rows = NDArray[np.int64]

_RARE = {
    1: "one image, which only trains",
    2: "two images, one trains and one validates",
    3: "three images, one in each split",
}


def describe(
    labels: Rows,
    groups: Rows | None,
    divided: Rows,
    parts: Mapping[str, Rows],
    class_names: Sequence[str],
    *,
    in_folds: bool = False,
) -> tuple[str, ...]:
    """Return sentences about a division into "train", "val" and "test".

    It was made, all or in part, out of the rows `divided`; the others were given. With `in_folds` "test" is one of some
    folds, to which a class of few images need not have come.
    """
    notes, explained = [], set()
    if groups is not None:
        notes += _group_notes(groups, parts)
    elif sum(map(len, parts.values())) == len(divided) and not in_folds:  # nothing was given
        counts = np.bincount(labels[divided], minlength=len(class_names)).tolist()
        for size, what in _RARE.items():
            rare = [name for name, count in zip(class_names, counts, strict=True) if count == size]
            explained |= set(rare)
            notes += [f"{listed(rare)}: {what}"] if rare else []
    for part, rows in parts.items():
        counts = np.bincount(labels[rows], minlength=len(class_names)).tolist()
        missing = [name for name, count in zip(class_names, counts, strict=True) if not count and name not in explained]
        if missing:
            notes.append(f"no image of {listed(missing)} in {part}: {_reason(rows, divided, groups)}")
    return tuple(notes)


def describe_folds(folds: Sequence[Rows], class_names: Sequence[str]) -> tuple[str, ...]:
    """Return sentences about folds, of each of which the labels are given."""
    sizes = sorted(map(len, folds))
    each = f"{sizes[0]}" if sizes[0] == sizes[-1] else f"{sizes[0]} to {sizes[-1]}"
    counts = np.stack([np.bincount(labels, minlength=len(class_names)) for labels in folds])
    rare = [name for name, fewest in zip(class_names, counts.min(axis=0).tolist(), strict=True) if not fewest]
    missing = [f"some folds have no image of {listed(rare)}"] if rare else []
    return (f"{len(folds)} folds of {each} images: a trial trains on the others, {len(folds)} times", *missing)


def _reason(rows: Rows, divided: Rows, groups: Rows | None) -> str:
    if not np.isin(rows, divided).all():
        return "the given split has none"
    return "too few to share out" if groups is None else "they are in too few groups"


def _group_notes(groups: Rows, parts: Mapping[str, Rows]) -> list[str]:
    members = {part: np.unique(groups[rows]) for part, rows in parts.items()}
    total = len(np.unique(np.concatenate(list(members.values()))))
    shares = ", ".join(f"{len(members[part])} ({len(rows)} images) in {part}" for part, rows in parts.items())
    torn = [
        f"{count} groups are in {first} and in {second}, as the source gives them"
        for first, second in combinations(parts, 2)
        if (count := len(np.intersect1d(members[first], members[second])))
    ]
    return [f"{total} groups{'' if torn else ', each whole in one split'}: {shares}", *torn]
