"""Which image trains, which validates and which tests: stratified, seeded, reproducible.

Every class is divided on its own. The number of images a class gives to a split is its share rounded by the largest
remainder method, so that a split has the size asked for and no class is off by one image or more; scikit-learn's
stratified splitters do the same but refuse classes of one image, which real folders have.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from ..config import DataConfig

Rows = NDArray[np.int64]

_VAL, _TEST, _MAX_TRAIN, _MAX_VAL = range(4)  # independent random streams of one seed


@dataclass(frozen=True, slots=True)
class Partition:
    """Row numbers of each split, ascending, and what a reader should know about rare classes."""

    train: Rows
    val: Rows
    test: Rows
    notes: tuple[str, ...] = ()


def partition(labels: Rows, parts: NDArray[np.str_], class_names: tuple[str, ...], config: DataConfig) -> Partition:
    """Divide images with `labels` int64 [N] into train, val and test.

    `parts` [N] says what the source gives: "val" and "test" are kept as they are; what is missing is carved out of
    "train" (`val_fraction`, `test_fraction` of those images). A class of one image only trains; of two, the second
    one validates; from three on every split has at least one. `max_train` and `max_val` then take stratified subsets.

    Raises:
        DataError: the fractions leave nothing to train on, or a split stays empty.
    """
    given = {part: np.flatnonzero(parts == part) for part in ("train", "val", "test")}
    fractions = {
        "val": 0.0 if given["val"].size else config.val_fraction,
        "test": 0.0 if given["test"].size else config.test_fraction,
    }
    if sum(fractions.values()) >= 1:
        asked = f"got {config.val_fraction} + {config.test_fraction}"
        raise DataError(f"data: val_fraction + test_fraction must be < 1, {asked}")
    rest = given["train"]
    counts = np.bincount(labels[rest], minlength=len(class_names))
    quotas = _quotas(counts, fractions["val"], fractions["test"], config.split_seed)
    carved = {}
    for part, stream in (("test", _TEST), ("val", _VAL)):
        carved[part] = take(labels, rest, quotas[part], [config.split_seed, stream])
        rest = np.setdiff1d(rest, carved[part], assume_unique=True)
    train = _at_most(labels, rest, config.max_train, [config.split_seed, _MAX_TRAIN])
    val = _at_most(
        labels, np.sort(np.append(given["val"], carved["val"])), config.max_val, [config.split_seed, _MAX_VAL]
    )
    whole = Partition(train, val, np.sort(np.append(given["test"], carved["test"])))
    _refuse_empty(whole)
    return Partition(whole.train, whole.val, whole.test, _rare_notes(labels, whole, class_names))


def allocate(counts: Rows, total: int, seed: list[int]) -> Rows:
    """Share `total` among classes of `counts` images, in proportion, by the largest remainder method.

    Equal remainders are drawn by `seed`. No class gives more than it has; `total` is at most the sum of `counts`.
    """
    share = counts * (total / max(1, int(counts.sum())))
    given: Rows = np.minimum(np.floor(share).astype(np.int64), counts)
    tie = np.random.default_rng(seed).random(len(counts))
    order = np.lexsort((tie, -(share - given)))
    order = order[given[order] < counts[order]]
    given[order[: total - int(given.sum())]] += 1
    return given


def take(labels: Rows, rows: Rows, quota: Rows, seed: list[int]) -> Rows:
    """`quota[c]` of the `rows` of each class c, drawn by `seed`, ascending."""
    random = np.random.default_rng(seed)
    shuffled = random.permutation(rows)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels[rows], minlength=len(quota))
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)  # position inside its class
    taken: Rows = np.sort(by_class[rank < np.repeat(quota, counts)])
    return taken


def _quotas(counts: Rows, val_fraction: float, test_fraction: float, seed: int) -> dict[str, Rows]:
    """How many images of each class go to val and to test; one of each class is always left to train."""
    val = _quota(counts, val_fraction, 2, [seed, _VAL, 1])
    test = _quota(counts, test_fraction, 3, [seed, _TEST, 1])
    for split, other in ((val, test), (test, val)):
        excess = np.clip(val + test - (counts - 1), 0, None)
        split -= np.minimum(excess, np.clip(split - (other > 0), 0, None))
    return {"val": val, "test": test}


def _quota(counts: Rows, fraction: float, at_least: int, seed: list[int]) -> Rows:
    """The share of the classes of `at_least` images or more, one image or more of each; nothing of rarer ones."""
    common = np.where(counts >= at_least, counts, 0)
    return np.maximum(allocate(common, round(common.sum() * fraction), seed), common > 0) if fraction else 0 * counts


def _at_most(labels: Rows, rows: Rows, limit: int | None, seed: list[int]) -> Rows:
    if limit is None or limit >= len(rows):
        return rows
    return take(labels, rows, allocate(np.bincount(labels[rows]), limit, seed), [*seed, 1])


def _refuse_empty(split: Partition) -> None:
    for name in ("train", "val", "test"):
        if not len(getattr(split, name)):
            raise DataError(f"the {name} split has no images; each class needs at least three, or a given split")


def _rare_notes(labels: Rows, split: Partition, class_names: tuple[str, ...]) -> tuple[str, ...]:
    notes = []
    for name in ("train", "val", "test"):
        counts = np.bincount(labels[getattr(split, name)], minlength=len(class_names))
        if missing := [class_names[number] for number in np.flatnonzero(counts == 0)]:
            listed = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            notes.append(f"no image of {listed} in {name}: too few to share out")
    return tuple(notes)
