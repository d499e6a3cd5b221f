"""Stratified, seeded splits into train, val and test.

Every class is divided on its own. The number of images a class gives to a split is its share rounded by the largest
remainder method, so that a split has the size asked for and no class is off by one image or more; scikit-learn's
stratified splitters do the same but refuse classes of one image, which real folders have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from .config import DataConfig
from .fold_split import check_folds, deal_folds
from .group_split import deal
from .sources.base import Images
from .split_notes import describe, describe_folds

Rows = NDArray[np.int64]

_VAL, _TEST, _MAX_TRAIN, _MAX_VAL, _GROUPS, _FOLDS, _TEST_FOLDS = range(7)  # independent random streams of one seed


@dataclass(frozen=True, slots=True)
class Partition:
    """Row numbers of each split, ascending, and notes.

    Notes say what was done about rare classes and groups. Where there are `folds`, `val` is the first of them and
    `train` the others, one after the other.
    """

    train: Rows
    val: Rows
    test: Rows
    notes: tuple[str, ...] = ()
    folds: tuple[Rows, ...] = ()


def partition(images: Images, rows: Rows, config: DataConfig) -> Partition:
    """Divide the images `rows` of a source into train, val, test.

    `rows` are the readable ones.

    `images.parts` says what the source gives: "val" and "test" are kept as they are; what is missing is carved out of
    "train" (`val_fraction`, `test_fraction` of those images). A class of one image only trains; of two, the second
    one validates; from three on every split has at least one. Where there are groups, the same holds for the groups
    of a class, and no group is divided. `val_seed` draws the val split anew out of what is not test. `max_train` and
    `max_val` then take stratified subsets. The rows of the result count within `rows`. With `folds` nothing is carved
    for "val": what would be it and "train" is dealt to them, by `val_seed`. With `test_fold` "test" is one of as many
    parts of equal size.

    Raises:
        DataError: the fractions leave nothing to train on, a split stays empty, or there cannot be such folds.
    """
    labels, parts, seed = images.labels[rows], images.parts[rows], config.split_seed
    groups = None if images.groups is None else group_numbers(images.groups, rows)
    given_rows = {part: np.flatnonzero(parts == part) for part in ("train", "val", "test")}
    fractions, divided = _fractions(given_rows, config), given_rows["train"]
    classes = len(images.class_names)
    if config.test_part:
        number, count = config.test_part
        fold = _deal(labels, groups, divided, count, [seed, _TEST_FOLDS], "test_fold", images)[number - 1]
        given_rows |= {"train": np.setdiff1d(divided, fold, assume_unique=True), "test": fold}
        # of all images, and carved out of fewer
        fractions = {"val": fractions["val"] * len(divided) / len(given_rows["train"]), "test": 0.0}
    val_seed = seed if config.val_seed is None else config.val_seed
    if groups is None:
        carved = _carve(labels, given_rows["train"], fractions, classes, seed, val_seed)
    else:
        carved = _carve_groups(labels, groups, given_rows["train"], fractions, classes, seed, val_seed)
    val, test = (np.sort(np.append(given_rows[part], carved[part])) for part in ("val", "test"))
    train = np.setdiff1d(given_rows["train"], np.append(carved["val"], carved["test"]), assume_unique=True)
    if config.folds:
        return _in_folds(labels, groups, train, test, config, images)
    whole = Partition(train, val, test)
    _refuse_empty(whole, "image" if groups is None else "group")
    limited = Partition(
        _at_most(labels, train, config.max_train, [seed, _MAX_TRAIN]),
        _at_most(labels, val, config.max_val, [seed, _MAX_VAL]),
        test,
    )
    result = {"train": train, "val": val, "test": test}
    in_folds = config.test_fold is not None
    notes = describe(labels, groups, divided, result, images.class_names, in_folds=in_folds)
    return replace(limited, notes=notes)


def _fractions(given_rows: Mapping[str, Rows], config: DataConfig) -> dict[str, float]:
    """Return the share of the training images that each split still needs."""
    if config.folds and given_rows["val"].size:
        raise DataError(
            "data.folds: folds take the place of a validation split, but the data give one\n"
            "  leave data.folds out, or call these images train"
        )
    if config.test_part and given_rows["test"].size:
        raise DataError(
            "data.test_fold: parts of the data are the test split in turn, but the data give one\n"
            "  leave data.test_fold and --test-folds out, or call these images train"
        )
    test_fraction = 1 / config.test_part[1] if config.test_part else config.test_fraction
    fractions = {
        "val": 0.0 if given_rows["val"].size or config.folds else config.val_fraction,
        "test": 0.0 if given_rows["test"].size else test_fraction,
    }
    if sum(fractions.values()) >= 1:
        test = f"a test_fold of {test_fraction:.3g}" if config.test_part else f"{test_fraction}"
        raise DataError(f"data: val_fraction + test_fraction must be < 1, got {config.val_fraction} + {test}")
    return fractions


def _carve(
    labels: Rows, remaining: Rows, fractions: dict[str, float], classes: int, seed: int, val_seed: int
) -> dict[str, Rows]:
    counts = np.bincount(labels[remaining], minlength=classes)
    quotas = _quotas(counts, fractions["val"], fractions["test"], seed)
    carved = {}
    # test first: another val_fraction or val_seed then leaves the test split as it is.
    for part, stream in (("test", [seed, _TEST]), ("val", [val_seed, _VAL])):
        carved[part] = take(labels, remaining, quotas[part], stream)
        remaining = np.setdiff1d(remaining, carved[part], assume_unique=True)
    return carved


def _carve_groups(
    labels: Rows, groups: Rows, remaining: Rows, fractions: dict[str, float], classes: int, seed: int, val_seed: int
) -> dict[str, Rows]:
    numbers = np.unique(groups[remaining], return_inverse=True)[1]
    dealt = deal(labels[remaining], numbers, (fractions["val"], fractions["test"]), classes, [seed, _GROUPS])[numbers]
    carved = {part: remaining[dealt == split] for part, split in (("val", 1), ("test", 2))}
    if val_seed != seed and fractions["val"]:
        rest = remaining[dealt != 2]
        numbers = np.unique(groups[rest], return_inverse=True)[1]
        share = fractions["val"] * len(remaining) / len(rest)
        again = deal(labels[rest], numbers, (share, 0.0), classes, [val_seed, _GROUPS], similar_as_equal=True)[numbers]
        carved["val"] = rest[again == 1]
    return carved


def _in_folds(
    labels: Rows, groups: Rows | None, rows: Rows, test: Rows, config: DataConfig, images: Images
) -> Partition:
    """Deal `rows`, or as many as may train, to folds."""
    assert config.folds is not None
    if not len(test):
        raise DataError("data: the test split has no images; some class must have at least three, or give a split")
    seed = config.split_seed
    rows = _at_most(labels, rows, config.max_train, [seed, _MAX_TRAIN])
    val_seed = seed if config.val_seed is None else config.val_seed
    folds = _deal(labels, groups, rows, config.folds, [val_seed, _FOLDS], "folds", images)
    notes = describe_folds([labels[fold] for fold in folds], images.class_names)
    return Partition(np.concatenate(folds[1:]), folds[0], test, notes, folds)


def _deal(
    labels: Rows, groups: Rows | None, rows: Rows, folds: int, seed: list[int], key: str, images: Images
) -> tuple[Rows, ...]:
    """Deal `rows` to so many folds, as the setting `key` asks."""
    numbers = np.unique(rows if groups is None else groups[rows], return_inverse=True)[1]
    dealt = deal_folds(labels[rows], numbers, folds, len(images.class_names), seed)
    check_folds(labels[rows], dealt, folds, images.class_names, "image" if groups is None else "group", key)
    return tuple(rows[dealt == fold] for fold in range(folds))


def allocate(counts: Rows, total: int, seed: list[int]) -> Rows:
    """Share `total` among classes by the largest remainder method.

    In proportion to their `counts`.

    Equal remainders are drawn by `seed`. No class gives more than it has; `total` is at most the sum of `counts`.
    """
    exact = counts * (total / max(1, int(counts.sum())))
    quota: Rows = np.minimum(np.floor(exact).astype(np.int64), counts)
    tie = np.random.default_rng(seed).random(len(counts))
    order = np.lexsort((tie, -(exact - quota)))
    order = order[quota[order] < counts[order]]
    quota[order[: total - int(quota.sum())]] += 1
    return quota


def take(labels: Rows, rows: Rows, quota: Rows, seed: list[int]) -> Rows:
    """Draw `quota[c]` of the `rows` of each class c, ascending."""
    random = np.random.default_rng(seed)
    shuffled = random.permutation(rows)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels[rows], minlength=len(quota))
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)  # position inside its class
    taken: Rows = np.sort(by_class[rank < np.repeat(quota, counts)])
    return taken


def _quotas(counts: Rows, val_fraction: float, test_fraction: float, seed: int) -> dict[str, Rows]:
    """Return how many images of each class go to val and test.

    One of each class is always left to train.
    """
    val = _quota(counts, val_fraction, 2, [seed, _VAL, 1])
    test = _quota(counts, test_fraction, 3, [seed, _TEST, 1])
    # Where both together would leave a class nothing to train on, each gives back, but keeps one where the other has
    # any.
    for split, opposite in ((val, test), (test, val)):
        excess = np.clip(val + test - (counts - 1), 0, None)
        split -= np.minimum(excess, np.clip(split - (opposite > 0), 0, None))
    return {"val": val, "test": test}


def _quota(counts: Rows, fraction: float, at_least: int, seed: list[int]) -> Rows:
    """Return the quota of classes of `at_least` images, at least one each.

    Rarer classes give nothing.
    """
    common = np.where(counts >= at_least, counts, 0)
    return np.maximum(allocate(common, round(common.sum() * fraction), seed), common > 0) if fraction else 0 * counts


def _at_most(labels: Rows, rows: Rows, limit: int | None, seed: list[int]) -> Rows:
    if limit is None or limit >= len(rows):
        return rows
    return take(labels, rows, allocate(np.bincount(labels[rows]), limit, seed), [*seed, 1])


def _refuse_empty(split: Partition, unit: str) -> None:
    for name in ("train", "val", "test"):
        if not len(getattr(split, name)):
            raise DataError(
                f"data: the {name} split has no images; some class must have at least three {unit}s, or give a split"
            )


def group_numbers(groups: Sequence[str], rows: Rows) -> Rows:
    """Return a number per group for the images `rows`, int64 [n].

    An image without a group ("") is one of its own.
    """
    names = [groups[row] or f"\0{row}" for row in rows]  # "\0": no real group can have such a name
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
