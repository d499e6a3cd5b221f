"""Stratified splits that keep the images of a group together.

Groups are dealt out one by one, the largest first, each to the split that it brings closest to the class counts it
should have (least squares, every class weighing the same), as scikit-learn's StratifiedGroupKFold deals them to equal
folds. That one cannot make splits of unequal size, and refuses classes with fewer images than folds, which real
folders have. Two laws come first: every class keeps a group to train on, and no split stays empty.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
_TRAIN = 0  # split 0; 1 and 2 are val and test


@dataclass(frozen=True, slots=True)
class Groups:
    """The images of each class in each group.

    `classes[g]` and `counts[g]`, a few numbers per group.
    """

    classes: list[Rows]
    counts: list[Rows]
    units: Rows  # groups of each class
    smallest: Rows  # images of the class in the group that has fewest of them


def deal(
    labels: Rows,
    groups: Rows,
    fractions: tuple[float, float],
    classes: int,
    seed: list[int],
    *,
    similar_as_equal: bool = False,
) -> Rows:
    """Deal groups to splits: 0 (train), 1 or 2.

    1 and 2 should get `fractions` of the images.

    `labels` and `groups` int64 [N] are classes and group numbers, of which none is left out. A fraction of 0 asks for
    no such split. A class in one group only trains; in two, the second one goes to split 1; from three on each split
    should get some of it. Ties are drawn by `seed`. With `similar_as_equal` groups are dealt as if equally large whose
    sizes lie between the same powers of two: where no two sizes are equal, another seed would change nothing otherwise.
    """
    group_sizes = held(labels, groups, classes)
    targets = _targets(np.bincount(labels, minlength=classes), group_sizes, fractions)
    need, weight = targets.copy(), 1 / np.maximum(targets.sum(axis=0), 1)
    sizes = np.array([counts.sum() for counts in group_sizes.counts])
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    # the largest first: small ones fill the gaps that large ones leave
    rank = np.floor(np.log2(sizes)) if similar_as_equal else sizes
    order = shuffled[np.argsort(-rank[shuffled], kind="stable")]
    open_splits = [_TRAIN, *(split for split in (1, 2) if fractions[split - 1])]
    dealt, remaining, trained = np.zeros(len(sizes), np.int64), group_sizes.units.copy(), np.zeros(classes, np.int64)
    for group in order:
        # Every class keeps a group to train on: a group may leave only if each of its classes has another.
        which, counts = group_sizes.classes[group], group_sizes.counts[group]
        may_leave = bool(((trained[which] > 0) | (remaining[which] > 1)).all())
        # how much closer to its targets each split comes, [3]
        gain = (need[:, which] * (weight[which] * counts)).sum(axis=1)
        split = max(open_splits if may_leave else [_TRAIN], key=lambda split: gain[split])
        dealt[group] = split
        need[split, which] -= counts
        remaining[which] -= 1
        trained[which] += split == _TRAIN
    _fill_empty(dealt, group_sizes, trained, order, open_splits)
    return dealt


def held(labels: Rows, groups: Rows, classes: int) -> Groups:
    """Return what each group holds of each class; see `deal` for the arguments."""
    pairs, counts = np.unique(groups * classes + labels, return_counts=True)
    group, label = np.divmod(pairs, classes)
    borders = np.flatnonzero(np.diff(group)) + 1
    smallest = np.full(classes, np.iinfo(np.int64).max)
    np.minimum.at(smallest, label, counts)
    units = np.bincount(label, minlength=classes)
    return Groups(np.split(label, borders), np.split(counts, borders), units, smallest)


def _targets(counts: Rows, group_sizes: Groups, fractions: tuple[float, float]) -> NDArray[np.float64]:
    """Return the images of each class that each split should have.

    float [3, classes]: its share, but at least one group.
    """
    first, second = (
        np.where(group_sizes.units >= at_least, np.maximum(counts * fraction, group_sizes.smallest), 0) * (fraction > 0)
        for at_least, fraction in zip((2, 3), fractions, strict=True)
    )
    return np.stack([counts - first - second, first, second]).astype(np.float64)


def _fill_empty(dealt: Rows, group_sizes: Groups, trained: Rows, order: Rows, wanted: list[int]) -> None:
    """Give each empty split the smallest group that training can spare.

    A group that no class needs to train on.
    """
    for split in wanted[1:]:
        if (dealt == split).any():
            continue
        for group in order[::-1]:
            which = group_sizes.classes[group]
            if dealt[group] == _TRAIN and (trained[which] > 1).all():
                dealt[group] = split
                trained[which] -= 1
                break
