"""The classes of a source, in label order."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ....errors import DataError, nearest
from .base import Images, listed

Wanted = tuple[str, ...] | None
"""The value of `data.classes`, in NFC; None where it is not set."""

_PASTED = 8  # class names that an error offers to paste, so that they fit one line


def trained_classes(root: Path, classes: Sequence[str], parts: Sequence[str], wanted: Wanted = None) -> tuple[str, ...]:
    """Return the classes of the training images, in label order.

    As `wanted` has them, else by number where all are numbers, else by alphabet.

    `classes` and `parts` are those of each image.

    Raises:
        DataError: a class has no training images, or there are fewer than two.
    """
    trained = {name for name, part in zip(classes, parts, strict=True) if part == "train"}
    refuse_untrained(root, {*classes, *(wanted or ())}, trained)
    if len(trained) < 2:
        count = f"only {next(iter(trained))!r}" if trained else "no image"
        raise DataError(f"data: {root} must hold images of at least two classes; it has {count}")
    return wanted or tuple(sorted(trained, key=_by_number if all(map(str.isdecimal, trained)) else None))


def refuse_untrained(root: Path, classes: Iterable[str], trained: Collection[str]) -> None:
    """Raise DataError where one of `classes` is not among the `trained`."""
    for name in sorted(set(classes) - set(trained)):
        near = f"; {nearest(name, trained)}" if trained else ""
        raise DataError(f"data: {root}: class {name!r} has no images to train on{near}\n  {remedy(trained)}")


def remedy(classes: Collection[str]) -> str:
    """Return how to use `classes` alone, for the end of an error."""
    if 2 <= len(classes) <= _PASTED:
        return f"data.classes: {json.dumps(sorted(classes), ensure_ascii=False)} uses those alone"
    return "data.classes names the classes to use"


def refuse_unknown(root: Path, wanted: Wanted, present: Collection[str]) -> None:
    """Raise DataError where `wanted` names a class that is not present."""
    for name in wanted or ():
        if name not in present:
            raise DataError(f"data.classes: {root} has no class {name!r}; {nearest(name, present)}")


def unwanted_note(present: Iterable[str], wanted: Wanted) -> Iterator[str]:
    """Yield a sentence on classes that are present and not `wanted`."""
    if wanted is not None and (others := sorted(set(present) - set(wanted))):
        yield f"not among data.classes, and not used: {listed(others)}"


def of_classes(name: str, images: Images, wanted: tuple[str, ...]) -> Images:
    """Return the images of the `wanted` classes of the data set `name`.

    Raises:
        DataError: it has no such class.
    """
    refuse_unknown(Path(name), wanted, images.class_names)
    # -1 marks classes that are left out.
    position = {name: number for number, name in enumerate(wanted)}
    labels = np.array([position.get(name, -1) for name in images.class_names], np.int64)[images.labels]
    rows = np.flatnonzero(labels >= 0)
    notes = (*images.notes, *unwanted_note(images.class_names, wanted))
    pixels = images.pixels.select(rows.tolist())
    return replace(
        images, class_names=wanted, labels=labels[rows], parts=images.parts[rows], pixels=pixels, notes=notes
    )


def _by_number(name: str) -> tuple[int, str]:
    return int(name), name
