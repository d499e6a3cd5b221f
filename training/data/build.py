"""Packing: decode every image once, then write each split."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...common.display import visible
from ...errors import DataError
from .config import DataConfig
from .pack import Fold, Pack, Skipped
from .sources.base import MAX_SKIPPED, Images, Progress
from .sources.classes import remedy
from .split import Partition, partition

_BYTES_AT_ONCE = 8 * 2**20  # of images, so that packing takes no more memory for a larger set or larger images


@dataclass(frozen=True, slots=True)
class _Decoded:
    """The usable images of a source, decoded, in its order.

    `images` uint8 [N, side, side, channels]; `rows` are their positions in the source, `skipped` the files that could
    not be used.
    """

    images: NDArray[np.uint8]
    rows: NDArray[np.int64]
    skipped: tuple[Skipped, ...]


def build(folder: Path, source: str, fingerprint: str, images: Images, config: DataConfig, progress: Progress) -> None:
    """Write the pack of `images` under `config` into the empty `folder`.

    Raises:
        DataError: more than 5 % of the files are unreadable, a class has no readable image, or a split stays empty.
    """
    pixels = images.pixels
    size, size_from = (config.image_size, "asked for") if config.image_size else pixels.natural_size(pixels.headers())
    channels = {"auto": pixels.auto_channels, "rgb": 3, "grey": 1}[config.color]
    scratch = folder / "decoded.npy"
    decoded = _decode_all(scratch, source, images, size, channels)
    if config.color == "auto" and channels == 3 and _all_grey(decoded.images):
        channels = 1
    labels = images.labels[decoded.rows]
    _refuse_lost_classes(labels, images.class_names)
    split = partition(images, decoded.rows, config)
    for split_folder, rows in ((folder, np.append(split.train, split.val)), (folder / "test", split.test)):
        _write_split(split_folder, decoded, labels, rows, channels, progress)
    mean, std = _moments(_histogram(decoded.images, split.train, channels))
    pack = Pack(
        path=folder,
        fingerprint=fingerprint,
        source=source,
        class_names=images.class_names,
        image_size=size,
        image_size_from=size_from,
        channels=channels,
        counts=_counts(labels, split, len(images.class_names)),
        folds=_folds(decoded.images, labels, split, len(images.class_names), channels),
        mean=mean,
        std=std,
        skipped=decoded.skipped,
        given_splits=images.given_splits,
        notes=(*images.notes, *split.notes),
    )
    scratch.unlink()
    (folder / "manifest.json").write_text(json.dumps(pack.to_json(), indent=1))


def _decode_all(scratch: Path, source: str, images: Images, size: int, channels: int) -> _Decoded:
    total = len(images.pixels) + len(images.skipped)
    skipped, rows = list(images.skipped), []
    with scratch.open("wb") as file:
        _write_header(file, np.uint8, (len(images.pixels), size, size, channels))
        for chunk in images.pixels.chunks(size, channels):
            file.write(np.ascontiguousarray(chunk.images).data)
            rows.append(chunk.rows)
            skipped.extend(chunk.skipped)
            _refuse_many_skipped(source, skipped, total)
        kept_rows = np.concatenate(rows)
        # The header promises all images, so that np.load wants a file of that length: extended by a hole, which takes
        # no disk.
        file.truncate(file.tell() + (len(images.pixels) - len(kept_rows)) * size * size * channels)
    return _Decoded(np.load(scratch, mmap_mode="r")[: len(kept_rows)], kept_rows, tuple(skipped))


def _refuse_many_skipped(source: str, skipped: list[Skipped], total: int) -> None:
    if len(skipped) <= MAX_SKIPPED * total:
        return
    shown = "; ".join(visible(f"{entry.path}: {entry.reason}") for entry in skipped[:4])
    raise DataError(
        f"data: {source}: at most 5 % of the files may be unreadable, got {len(skipped)} of {total} so far\n"
        f"  {shown}\n  repair or remove them"
    )


def _refuse_lost_classes(labels: NDArray[np.int64], class_names: tuple[str, ...]) -> None:
    counts = np.bincount(labels, minlength=len(class_names))
    others = [name for name, count in zip(class_names, counts, strict=True) if count]
    for number in np.flatnonzero(counts == 0):
        raise DataError(f"data: class {class_names[number]!r} has no readable image\n  repair it, or {remedy(others)}")


def _write_split(
    split_folder: Path,
    decoded: _Decoded,
    labels: NDArray[np.int64],
    rows: NDArray[np.int64],
    channels: int,
    progress: Progress,
) -> None:
    split_folder.mkdir(exist_ok=True)
    np.save(split_folder / "labels.npy", labels[rows])
    np.save(split_folder / "index.npy", decoded.rows[rows])
    # not through a map: a full disk must be an error, not a signal
    with (split_folder / "images.npy").open("wb") as file:
        _write_header(file, np.uint8, (len(rows), *decoded.images.shape[1:3], channels))
        for start, images in _gathered(decoded.images, rows, channels):
            file.write(np.ascontiguousarray(images).data)
            progress("write", start + len(images), len(rows))


def _gathered(
    images: NDArray[np.uint8], rows: NDArray[np.int64], channels: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    count = _rows_at_once(images)
    for start in range(0, len(rows), count):
        yield start, images[rows[start : start + count]][..., :channels]


def _rows_at_once(images: NDArray[np.uint8]) -> int:
    return max(1, _BYTES_AT_ONCE // images[:1].nbytes)


def _all_grey(images: NDArray[np.uint8]) -> bool:
    count = _rows_at_once(images)
    parts = (images[start : start + count] for start in range(0, len(images), count))
    return all((part[..., :1] == part[..., 1:]).all() for part in parts)


def _histogram(images: NDArray[np.uint8], rows: NDArray[np.int64], channels: int) -> NDArray[np.int64]:
    """Count the values of each channel, [channels, 256]."""
    histogram = np.zeros((channels, 256), np.int64)
    for _, part in _gathered(images, rows, channels):
        for channel in range(channels):
            histogram[channel] += np.bincount(part[..., channel].ravel(), minlength=256)  # [H, W] values of one channel
    return histogram


def _moments(histogram: NDArray[np.int64]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per channel of images in [0, 1].

    From exact histograms: 256 counts hold every value, sums of millions of floats would round.
    """
    share, value = histogram / histogram.sum(axis=1, keepdims=True), np.arange(256) / 255
    mean = share @ value
    variance = (share * (value - mean[:, None]) ** 2).sum(axis=1)
    return tuple(mean.tolist()), tuple(np.sqrt(variance).tolist())


def _folds(
    images: NDArray[np.uint8], labels: NDArray[np.int64], split: Partition, classes: int, channels: int
) -> tuple[Fold, ...]:
    """Return what is kept of each fold, with the statistics of the images outside of it."""
    histograms = [_histogram(images, rows, channels) for rows in split.folds]
    return tuple(
        Fold(tuple(np.bincount(labels[rows], minlength=classes).tolist()), *_moments(sum(histograms) - own))
        for rows, own in zip(split.folds, histograms, strict=True)
    )


def _counts(labels: NDArray[np.int64], split: Partition, classes: int) -> dict[str, tuple[int, ...]]:
    parts = {"train": split.train, "val": split.val, "test": split.test}
    return {name: tuple(np.bincount(labels[rows], minlength=classes).tolist()) for name, rows in parts.items()}


def _write_header(file: BinaryIO, dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    description = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, description)
