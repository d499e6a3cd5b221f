"""A packed data set on disk, and its sealed test split.

    <pack>/manifest.json                          what it holds and how it was made
    <pack>/images.npy, labels.npy, index.npy      training images first, validation images after them;
                                                  of folds the second first, then the third, ..., and the first
    <pack>/test/images.npy, labels.npy, index.npy

Images are read through a shared, read-only memory map: any number of processes reading a pack hold it once.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...common.bounded import JSON_BYTES, read_bytes
from ...common.private import no_link
from ...errors import DataError

FORMAT = 2  # raised whenever a pack written by an older version must not be read
_FOLD = ("counts", "mean", "std")


@dataclass(frozen=True, slots=True)
class Split:
    """Some images of a pack.

    `images` is uint8 [N, side, side, channels], a read-only memory map; `labels` int64 [N], positions in the pack's
    `class_names`; `index` int64 [N], each image's position in the source's own order.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that could not be used as an image, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fold:
    """A fold: its images per class, and mean and std of all images outside of it, see Pack."""

    counts: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Pack:
    """A packed data set: its folder and its manifest.

    Attributes:
        path: its directory.
        fingerprint: of content, image settings and split settings; equal fingerprints mean equal packs.
        source: the name of the data set, or of the folder it was read from.
        class_names: in label order.
        image_size: side of the square images, in pixels.
        image_size_from: where that size comes from, in words.
        channels: 1 (grey) or 3 (RGB).
        counts: images per class in "train", "val" and "test".
        mean, std: per channel, of the training images scaled to [0, 1].
        skipped: files that could not be used.
        given_splits: the splits that the source itself names, () where it has none.
        notes: what was decided about rare classes and the like, one sentence each.
        folds: of all images but the test split, () where there are none.
        fold: the one (from 1) that is validated on, while the others train; 0 where there are none. It is the first
            in a pack as it is opened, see `of_fold`.
    """

    path: Path
    fingerprint: str
    source: str
    class_names: tuple[str, ...]
    image_size: int
    image_size_from: str
    channels: int
    counts: Mapping[str, tuple[int, ...]]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    skipped: tuple[Skipped, ...] = ()
    given_splits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    folds: tuple[Fold, ...] = ()
    fold: int = 0

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the pack in the directory `path`.

        Raises:
            DataError: there is none, it is damaged, or another version wrote it.
        """
        try:
            pack = cls(path=path, **_from_json(json.loads(read_bytes(path / "manifest.json", JSON_BYTES))))
            pack._check()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} is not a usable pack: {error}\n  remove it and prepare the data again") from error
        return pack

    def of_fold(self, number: int) -> Self:
        """Return the pack as it is where fold `number` (from 1) is validated on: its splits, counts and statistics."""
        fold = self.folds[number - 1]
        every = np.add(self.counts["train"], self.counts["val"])
        counts = {**self.counts, "train": tuple((every - fold.counts).tolist()), "val": fold.counts}
        return replace(self, fold=number, counts=counts, mean=fold.mean, std=fold.std)

    @property
    def views(self) -> "tuple[Self, ...]":
        """The pack as it is for each training of a trial: one, or one a fold."""
        return tuple(self.of_fold(number) for number in range(1, len(self.folds) + 1)) or (self,)

    @property
    def validated(self) -> int:
        """How many images a trial is validated on: the validation split, or all folds."""
        return sum(view.size("val") for view in self.views)

    @property
    def train(self) -> Split:
        """The training images; a copy of them but for the first fold, as they are not in one piece."""
        first_fold_or_none = slice(0, self.size("train"))
        return _rows(self.train_and_val, first_fold_or_none if self.fold <= 1 else self.train_rows)

    @property
    def train_rows(self) -> NDArray[np.int64]:
        """The rows of `train_and_val` that are training images, ascending."""
        return np.delete(np.arange(self.size("train") + self.size("val")), self._val_rows)

    @property
    def val(self) -> Split:
        """The validation images."""
        return _rows(self.train_and_val, self._val_rows)

    @property
    def _val_rows(self) -> slice:
        """Where the validation images are in `train_and_val`."""
        before = self.folds[1 : self.fold - 1] if self.fold > 1 else self.folds[1:]
        start = sum(sum(fold.counts) for fold in before) if self.folds else self.size("train")
        return slice(start, start + self.size("val"))

    @property
    def train_and_val(self) -> Split:
        """The training and validation images as one map, for a final training."""
        try:
            return _load(self.path)
        except (OSError, ValueError) as error:  # they were whole as the pack was opened
            raise DataError(f"{self.path}: the images are gone: {error}") from error

    @property
    def split_given(self) -> bool:
        """Whether the source came with a test or validation split."""
        return bool(self.given_splits)

    def size(self, split: str) -> int:
        """How many images "train", "val" or "test" holds."""
        return sum(self.counts[split])

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as JSON values, without the pack's path."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in ("path", "fold")}
        skipped = [[entry.path, entry.reason] for entry in self.skipped]
        return {
            "format": FORMAT,
            **plain,
            "skipped": skipped,
            "counts": dict(self.counts),
            "folds": [*map(asdict, self.folds)],
        }

    def _check(self) -> None:
        """Check that the arrays are as long as the manifest says.

        Only their headers are read.
        """
        counts_by_folder = {self.path: self.size("train") + self.size("val"), self.path / "test": self.size("test")}
        for folder, count in counts_by_folder.items():
            split, wanted = _load(folder), (count, self.image_size, self.image_size, self.channels)
            if split.images.shape != wanted or len(split.labels) != count or len(split.index) != count:
                raise ValueError(f"{folder} holds images {split.images.shape}, its manifest says {wanted}")


def open_test(pack: Pack, reason: str, log: Path) -> Split:
    """Open the test split and log it: the only door to it.

    One JSON line (time, reason, fingerprint, pid) is on disk in `log` before anything is returned, so that no number
    measured on the test split is without a trace.

    Raises:
        DataError: `reason` is empty, or the line cannot be written.
    """
    if not reason.strip():
        raise DataError("opening the test split needs a reason, got an empty one")
    entry = {
        "time": datetime.now(UTC).isoformat(),
        "reason": reason,
        "fingerprint": pack.fingerprint,
        "pid": os.getpid(),
    }
    try:
        _append_durably(log, json.dumps(entry) + "\n")
    except OSError as error:
        raise DataError(
            f"{log}: the opening of the test split cannot be logged, so it stays closed: {error}"
        ) from error
    return _load(pack.path / "test")


def count_openings(pack: Pack, log: Path) -> int:
    """Count the openings of the test split of `pack` in `log`."""
    entries = map(json.loads, read_bytes(log, JSON_BYTES).splitlines())
    return sum(entry["fingerprint"] == pack.fingerprint for entry in entries)


def _append_durably(path: Path, line: str) -> None:
    # no_link: a link in a folder of somebody else's must not send the line to another file.
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = no_link(str(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(handle, line.encode())  # one write of one short line: never interleaved with another process's
        os.fsync(handle)
    finally:
        os.close(handle)


def _load(folder: Path) -> Split:
    return Split(
        images=np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False),
        labels=np.load(folder / "labels.npy", allow_pickle=False),
        index=np.load(folder / "index.npy", allow_pickle=False),
    )


def _rows(split: Split, rows: slice | NDArray[np.int64]) -> Split:
    return Split(split.images[rows], split.labels[rows], split.index[rows])


def _from_json(manifest: dict[str, Any]) -> dict[str, Any]:
    if manifest.pop("format") != FORMAT:
        raise ValueError("written by another version")
    manifest["counts"] = {split: tuple(counts) for split, counts in manifest["counts"].items()}
    folds = tuple(Fold(*(tuple(each[name]) for name in _FOLD)) for each in manifest.get("folds", ()))
    manifest["folds"], manifest["fold"] = folds, min(1, len(folds))
    manifest["skipped"] = tuple(Skipped(*entry) for entry in manifest["skipped"])
    for name in ("class_names", "mean", "std", "given_splits", "notes"):
        manifest[name] = tuple(manifest[name])
    return manifest
