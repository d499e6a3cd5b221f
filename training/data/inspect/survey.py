"""Look at a data set: found, decoded once, divided as a run would divide it, compared, judged."""

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
    """What the system refuses to open or to list is wrong with the data, not with us."""
    try:
        yield
    except OSError as error:
        raise DataError(f"data: {error.filename or 'the files'}: {error.strerror or error}") from error


def inspect_data(config: DataConfig, data_root: Path | None = None, progress: Progress = silent) -> Inspection:
    """What is in the data of `config`, and what is wrong with it.

    Unlike packing it goes on where many files are unreadable, in order to name them all. Nothing is written.

    Raises:
        DataError: the source is missing or not usable, no image of it is readable, or it cannot be divided.
    """
    return inspect_images(*read(config, data_root, progress), config)


@_files_are_data()
def read(config: DataConfig, data_root: Path | None, progress: Progress) -> tuple[str, Images]:
    """The name and the images of the source.

    Raises:
        DataError: it is missing or not usable, or a folder of it cannot be listed.
    """
    found = locate(config, data_root)
    return found.name, found.read(progress)


@_files_are_data()
def inspect_images(name: str, images: Images, config: DataConfig) -> Inspection:
    """As `inspect_data`, for a source that `read` has read."""
    pixels = images.pixels
    headers = [header for header in pixels.headers() if header]
    if not headers:
        raise DataError(f"data: {name}: no image is readable; {_first_reason(images)}")
    size, size_from = (config.image_size, "asked for") if config.image_size else pixels.natural_size(headers)
    channels = {"auto": pixels.auto_channels, "rgb": 3, "grey": 1}[config.color]
    seen = look(images, size, channels)
    channels = 1 if config.color == "auto" and seen.grey else channels
    split = partition(images, seen.rows, config)
    mean, std = seen.statistics(split.train, channels)
    duplicates, close, complete = _twins(seen)
    inspection = Inspection(
        source=name,
        names=tuple(map(shown, pixels.names)),
        labels=images.labels,
        splits=_splits(seen, split, len(images.labels)),
        class_names=images.class_names,
        given_splits=images.given_splits,
        rows={part: seen.rows[getattr(split, part)] for part in SPLITS},
        sizes=dict(Counter((header.width, header.height) for header in headers).most_common()),
        modes=dict(Counter(header.mode for header in headers).most_common()),
        kinds=dict(Counter(header.kind for header in headers).most_common()),
        image_size=size,
        image_size_from=size_from,
        channels=channels,
        mean=mean,
        std=std,
        skipped=seen.skipped,
        duplicates=duplicates,
        near=close,
        near_complete=complete,
        notes=(*images.notes, *split.notes),
    )
    return replace(inspection, suggestions=(*suggestions(inspection), *_of_the_test(inspection, config)))


def _of_the_test(found: Inspection, config: DataConfig) -> Iterator[str]:
    images = len(found.rows["test"])
    if expected_width(images) > WIDE:
        told = test_note(images, config, found.given_splits)
        yield f"{told[0].upper()}{told[1:]}."


def _first_reason(images: Images) -> str:
    chunk = next(iter(images.pixels.select(range(min(1, len(images.pixels)))).chunks(8, 1)), None)
    skipped = (*images.skipped, *(chunk.skipped if chunk else ()))
    return visible(f"{skipped[0].path}: {skipped[0].reason}") if skipped else "it is empty"


def _splits(seen: Look, split: Partition, count: int) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    splits = np.full(count, "", "U5")
    for part in SPLITS:
        splits[seen.rows[getattr(split, part)]] = part
    return splits


def _twins(seen: Look) -> tuple[tuple[Twins, ...], tuple[Twins, ...], bool]:
    """Images that are the same, those that nearly are, and whether all of the latter are listed."""
    groups = same(seen.digests)
    repeated = np.concatenate([group[1:] for group in groups]) if groups else np.empty(0, np.int64)
    close = near(seen.thumbs, repeated)
    duplicates = tuple(Twins(tuple(seen.rows[group].tolist())) for group in groups)
    pairs = zip(seen.rows[close.pairs].tolist(), close.likeness.tolist(), strict=True)
    return duplicates, tuple(Twins(tuple(pair), likeness) for pair, likeness in pairs), close.complete
