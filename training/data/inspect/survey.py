"""The survey of a data set: located, decoded once, divided, compared.

It is divided as a training would divide it.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from ....common.display import visible
from ....errors import DataError
from ..arrange import locate
from ..config import DataConfig
from ..sources.base import Images, Progress, shown, silent
from ..split import Partition, partition
from ..test_note import WIDE, expected_width, test_note
from .alike import near, same
from .inspection import SPLITS, Inspection, Twins
from .look import Look, look
from .suggest import suggestions


@contextmanager
def _files_are_data() -> Iterator[None]:
    """Turn errors of the file system into DataError.

    What the system refuses to open or to list is wrong with the data, not with us.
    """
    try:
        yield
    except OSError as error:
        raise DataError(f"data: {error.filename or 'the files'}: {error.strerror or error}") from error


def inspect_data(config: DataConfig, data_root: Path | None = None, progress: Progress = silent) -> Inspection:
    """Inspect the data of `config`.

    Unlike packing it goes on where many files are unreadable, in order to name them all. Nothing is written.

    Raises:
        DataError: the source is missing or not usable, no image of it is readable, or it cannot be divided.
    """
    return inspect_images(*read(config, data_root, progress), config)


@_files_are_data()
def read(config: DataConfig, data_root: Path | None, progress: Progress) -> tuple[str, Images]:
    """Return the name and the images of the source.

    Raises:
        DataError: it is missing or not usable, or a folder of it cannot be listed.
    """
    data_source = locate(config, data_root)
    return data_source.name, data_source.read(progress)


@_files_are_data()
def inspect_images(name: str, images: Images, config: DataConfig) -> Inspection:
    """Inspect a source that `read` has read, as `inspect_data` does."""
    pixels = images.pixels
    headers = [header for header in pixels.headers() if header]
    if not headers:
        raise DataError(f"data: {name}: no image is readable; {_first_reason(images)}")
    size, size_from = (config.image_size, "asked for") if config.image_size else pixels.natural_size(headers)
    channels = {"auto": pixels.auto_channels, "rgb": 3, "grey": 1}[config.color]
    facts = look(images, size, channels)
    channels = 1 if config.color == "auto" and facts.grey else channels
    split = partition(images, facts.rows, config)
    mean, std = facts.statistics(split.train, channels)
    duplicates, close, complete = _twins(facts)
    inspection = Inspection(
        source=name,
        names=tuple(map(shown, pixels.names)),
        labels=images.labels,
        splits=_splits(facts, split, len(images.labels)),
        class_names=images.class_names,
        given_splits=images.given_splits,
        rows={part: facts.rows[getattr(split, part)] for part in SPLITS},
        sizes=dict(Counter((header.width, header.height) for header in headers).most_common()),
        modes=dict(Counter(header.mode for header in headers).most_common()),
        kinds=dict(Counter(header.kind for header in headers).most_common()),
        image_size=size,
        image_size_from=size_from,
        channels=channels,
        mean=mean,
        std=std,
        skipped=facts.skipped,
        duplicates=duplicates,
        near=close,
        near_complete=complete,
        notes=(*images.notes, *split.notes),
    )
    return replace(inspection, suggestions=(*suggestions(inspection), *_of_the_test(inspection, config)))


def _of_the_test(inspection: Inspection, config: DataConfig) -> Iterator[str]:
    images = len(inspection.rows["test"])
    if expected_width(images) > WIDE:
        sentence = test_note(images, config, inspection.given_splits)
        yield f"{sentence[0].upper()}{sentence[1:]}."


def _first_reason(images: Images) -> str:
    chunk = next(iter(images.pixels.select(range(min(1, len(images.pixels)))).chunks(8, 1)), None)
    skipped = (*images.skipped, *(chunk.skipped if chunk else ()))
    return visible(f"{skipped[0].path}: {skipped[0].reason}") if skipped else "it is empty"


def _splits(facts: Look, split: Partition, count: int) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    splits = np.full(count, "", "U5")
    for part in SPLITS:
        splits[facts.rows[getattr(split, part)]] = part
    return splits


def _twins(facts: Look) -> tuple[tuple[Twins, ...], tuple[Twins, ...], bool]:
    """Return equal images, nearly equal ones, and whether the latter are complete."""
    groups = same(facts.digests)
    repeated = np.concatenate([group[1:] for group in groups]) if groups else np.empty(0, np.int64)
    close = near(facts.thumbs, repeated)
    duplicates = tuple(Twins(tuple(facts.rows[group].tolist())) for group in groups)
    pairs = zip(facts.rows[close.pairs].tolist(), close.likeness.tolist(), strict=True)
    return duplicates, tuple(Twins(tuple(pair), likeness) for pair, likeness in pairs), close.complete
