"""Suggestions on what to set or to mend, in plain words."""

from collections.abc import Iterator

import numpy as np

from ....common.plural import plural
from ...setting import Setting
from ..sources.base import listed
from ..validation_note import COARSE, least_difference, validation_note
from .inspection import Inspection

IMBALANCE = 3.0  # images of the largest class per image of the smallest, from which it should be counteracted
LONG_TAIL = 20.0  # from which repeating the few images of a class teaches them by heart
SMALL_CLASS = 50  # training images, below which a network seldom learns a class from scratch
NEAR_SHARE = 0.01  # of all images having a near twin, from which it is the kind of the data and no accident


def suggestions(inspection: Inspection) -> Iterator[str]:
    """Yield sentences for the owner of the data, the gravest first."""
    yield from _broken(inspection)
    yield from _conflicts(inspection)
    yield from _leaks(inspection)
    yield from _balance(inspection)
    yield from _few(inspection)
    yield from _size(inspection)


def _broken(inspection: Inspection) -> Iterator[str]:
    total = len(inspection.skipped) + sum(map(len, inspection.rows.values()))
    if inspection.skipped:
        stops = "; over 5 % stop a run" if len(inspection.skipped) > 0.05 * total else ""
        yield f"Repair or remove {plural(len(inspection.skipped), 'file')} that cannot be read as images{stops}."
    left = np.sum(list(inspection.counts.values()), axis=0)
    if lost := [name for name, count in zip(inspection.class_names, left, strict=True) if not count]:
        yield (
            f"No image of {listed(lost)} can be read, which stops a run: repair its files, or name the others with "
            "data.classes."
        )


def _conflicts(inspection: Inspection) -> Iterator[str]:
    if count := len(inspection.conflicts):
        yield (
            f"Decide which label is right: {plural(count, 'image')} stand{'s' if count == 1 else ''} under more than "
            "one class. No model can get both right."
        )


def _leaks(inspection: Inspection) -> Iterator[str]:
    counts = inspection.leak_counts()
    if not counts:
        return
    where = ", ".join(f"{count} between {pair}" for pair, count in counts.items())
    near_share = len({row for twins in inspection.near for row in twins.rows}) / len(inspection.names)
    if "train, test" in counts and {"train", "test"} <= set(inspection.given_splits):
        yield f"The given splits share images or near copies ({where}): the test is too easy. Train without them."
    elif near_share >= NEAR_SHARE:
        yield (
            f"Many images have near copies, also in another split ({where}). Keep those of one thing together by a "
            "group: data.group_pattern (of file names), or data.group_column (of a CSV file)."
        )
    else:
        yield f"The same or nearly the same images are in more than one split ({where}): remove the copies."


def _balance(inspection: Inspection) -> Iterator[str]:
    counts = np.array(inspection.counts["train"])
    smallest, largest = int(counts.argmin()), int(counts.argmax())
    ratio = counts[largest] / max(1, counts[smallest])
    if ratio < IMBALANCE:
        return
    sizes = (
        f"{inspection.class_names[largest]} has {counts[largest]} training images, "
        f"{inspection.class_names[smallest]} has {counts[smallest]}"
    )
    loss = Setting("loss.class_weights", "effective" if ratio >= LONG_TAIL else "inverse")
    sampling = Setting("sampling.method", "weighted")
    yield (
        f"The classes are unequal ({sizes}): weigh the loss ({loss.flag}) or the sampling ({sampling.flag}), and "
        "judge by balanced accuracy rather than accuracy."
    )


def _few(inspection: Inspection) -> Iterator[str]:
    counts = np.array(inspection.counts["train"])
    if few := int((counts < SMALL_CLASS).sum()):
        yield (
            f"{few} of {len(counts)} classes {'has' if few == 1 else 'have'} fewer than {SMALL_CLASS} training images: "
            "start from a pretrained model, and augment strongly."
        )
    val_images, train_images = len(inspection.rows["val"]), len(inspection.rows["train"])
    if least_difference(val_images) > COARSE:
        sentence = validation_note(val_images, train_images, is_given="val" in inspection.given_splits)
        yield f"{sentence[0].upper()}{sentence[1:]}."


def _size(inspection: Inspection) -> Iterator[str]:
    sides = np.repeat([min(size) for size in inspection.sizes], list(inspection.sizes.values()))
    long = sum(count for size, count in inspection.sizes.items() if max(size) > 2 * min(size))
    typical = int(np.median(sides))
    if typical >= 2 * inspection.image_size:
        better = next((side for side in (224, 160, 128, 96) if side <= typical), typical)
        yield (
            f"Images are shrunk from {typical} pixels a side to {inspection.image_size}: where details matter, try "
            f"{Setting('data.image_size', better).flag} (the cost grows with the square)."
        )
    elif 2 * typical <= inspection.image_size:
        smaller = Setting("data.image_size", typical).flag
        yield f"Images of {typical} pixels a side are blown up to {inspection.image_size}: try {smaller}."
    if long > 0.1 * len(sides):
        yield (
            f"{plural(long, 'image')} {'is' if long == 1 else 'are'} more than twice as long as wide: only the middle "
            "square is kept. Cut away what does not matter first."
        )
