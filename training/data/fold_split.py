"""Stratified folds that keep the images of a group together.

Groups are dealt out as in group_split.py, but to folds of equal size; an image that is in no group is one of its own.
scikit-learn's StratifiedGroupKFold does the same, but warns of classes with fewer images than folds, which small data
have, and leaves all of a class in one fold where that balances the others.
"""

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from .group_split import held

Rows = NDArray[np.int64]


def deal_folds(labels: Rows, groups: Rows, folds: int, classes: int, seed: list[int]) -> Rows:
    """Return the fold, from 0, of each image, int64 [N].

    `labels` and `groups` int64 [N] are classes and group numbers, of which none of the latter is left out. Each group
    goes to the fold that lacks most of its classes; of equals to the one that has the fewest images. Ties of groups are
    drawn by `seed`, and so is the order of groups whose sizes lie between the same powers of two: where no two are
    equal, another seed would change nothing otherwise.
    """
    group_sizes = held(labels, groups, classes)
    totals = np.bincount(labels, minlength=classes)
    need, weight = np.tile(totals / folds, (folds, 1)), 1 / np.maximum(totals, 1)
    sizes = np.array([counts.sum() for counts in group_sizes.counts])
    filled, dealt = np.zeros(folds, np.int64), np.zeros(len(sizes), np.int64)
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    # class by class: what does not come out even of one goes to other folds than that of the next
    first_class = np.array([which[0] for which in group_sizes.classes])[shuffled]
    for group in shuffled[np.lexsort((first_class, -np.floor(np.log2(sizes[shuffled]))))]:
        which, counts = group_sizes.classes[group], group_sizes.counts[group]
        gain = (need[:, which] * (weight[which] * counts)).sum(axis=1)
        fold = int(np.lexsort((filled, -gain))[0])
        dealt[group] = fold
        need[fold, which] -= counts
        filled[fold] += counts.sum()
    return dealt[groups]


def check_folds(labels: Rows, dealt: Rows, folds: int, class_names: tuple[str, ...], unit: str, key: str) -> None:
    """Refuse folds of which one is empty, or has all of a class: what is left has nothing to learn that class from.

    `dealt` are the folds of images of classes `labels`; an image, or a group, is a `unit`; the setting `key` asks for
    them.

    Raises:
        DataError: there is such a fold.
    """
    if len(np.unique(dealt)) < folds:
        raise DataError(f"data.{key}: each of {folds} folds needs {unit}s, and there are too few; ask for fewer folds")
    held_in = np.zeros((len(class_names), folds), bool)
    held_in[labels, dealt] = True
    for number in np.flatnonzero(held_in.sum(axis=1) < 2):
        raise DataError(
            f"data.{key}: each class must be in two folds at least, but class {class_names[number]!r} is in "
            f"{held_in[number].sum()}\n  give it more {unit}s, or choose the others with data.classes"
        )
