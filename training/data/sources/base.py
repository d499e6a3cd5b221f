"""The interface of an image source, and the registry of named ones.

A source is located first (which files, as they are now) and read only if no pack of exactly those files is known yet.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ....common.decode import Header
from ....common.display import visible
from ....common.registry import Registry
from ....errors import DataError, nearest
from ..pack import Skipped

Progress = Callable[[str, int, int], None]

# What a split may be called, in the names of folders and tables and in CSV columns; looked up in lower case.
SPLITS = {
    **dict.fromkeys(("train", "training", "trainset"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "valset", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "testset", "holdout"), "test"),
}
MAX_SKIPPED = 0.05  # of all files; above, something is wrong with the data rather than with a file


@dataclass(frozen=True, slots=True)
class Chunk:
    """Decoded images with their rows, and files that failed.

    `images` uint8 [n, side, side, channels], `rows` [n] their positions in the source.
    """

    images: NDArray[np.uint8]
    rows: NDArray[np.int64]
    skipped: tuple[Skipped, ...] = ()


class Pixels(Protocol):
    """The images of a source, in its own fixed order."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each image.

        Its path inside the source, or its number where it has no file of its own.
        """
        ...

    @property
    def auto_channels(self) -> int:
        """The channels to decode at under data.color: auto."""
        ...

    def __len__(self) -> int: ...

    def digests(self) -> Iterator[bytes]:
        """Yield bytes that together change whenever the content does.

        One item per image or per group of images.
        """
        ...

    def natural_size(self, headers: Iterable[Header | None]) -> tuple[int, str]:
        """Return the side in pixels for images of these `headers`, and why."""
        ...

    def headers(self) -> Iterator[Header | None]:
        """Yield what is known of each image without decoding.

        None where it is unreadable.
        """
        ...

    def chunks(self, size: int, channels: int) -> Iterator[Chunk]:
        """Yield every image, in order, at `size` and `channels`."""
        ...

    def select(self, rows: Sequence[int]) -> Self:
        """Return the images `rows` alone, in that order."""
        ...


@dataclass(frozen=True, slots=True)
class Images:
    """A source that was read: N images with their classes.

    `labels` int64 [N] are positions in `class_names`; `parts` str [N] is "train", "val" or "test" as the source gives
    it, "train" for all where it has no splits, "unused" for what belongs to none. `groups`, where given, names what
    each image shows the same thing as; images of one group belong into one split.
    """

    class_names: tuple[str, ...]
    labels: NDArray[np.int64]
    parts: NDArray[np.str_]
    pixels: Pixels
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None

    @property
    def given_splits(self) -> tuple[str, ...]:
        """The splits that the source itself names, () where it has none."""
        names = tuple(part for part in ("train", "val", "test") if (self.parts == part).any())
        return names if len(names) > 1 else ()


@dataclass(frozen=True, slots=True)
class DataSource:
    """A source that was located, not read.

    `files` are the files it consists of, each with a stamp that changes when it does (size, times, inode); `read` reads
    them; `outside` are those that lie outside of its folder, each with its real path.
    """

    name: str
    files: tuple[tuple[str, tuple[int, ...]], ...]
    read: Callable[[Progress], Images]
    outside: tuple[tuple[str, str], ...] = ()


Finder = Callable[[Path], DataSource]

# given the data root, each locates the data set of its name
SOURCES: Registry[Finder] = Registry(
    "data set",
    at="--data",
    error=DataError,
    modules={
        "digits": f"{__package__}.digits",
        "fashion_mnist": f"{__package__}.idx",
        "mnist": f"{__package__}.idx",
        "cifar10": f"{__package__}.cifar",
    },
)


def by_name(name: str, data_root: Path) -> DataSource:
    """Return the registered data set `name`.

    Raises:
        DataError: no source has that name, or its data are neither on disk nor downloadable.
    """
    if name not in SOURCES:
        hint = nearest(name, similar(name, Path(), SOURCES) or SOURCES)
        raise DataError(
            f"data: no data set and no folder is called {name!r}; {hint}\n  or give a folder of class folders"
        )
    return SOURCES.find(name)(data_root)


def similar(name: str, parent: Path, candidates: Iterable[str] = ()) -> list[str]:
    """Return the candidate or folder in `parent` most like `name`.

    [] where none is alike.
    """
    folders = [path.name for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
    return get_close_matches(name, [*candidates, *folders], n=1)


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence: `a, b, c, d, e and 40 more`."""
    return ", ".join(map(visible, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def shown(name: str) -> str:
    """Return a file name as any text may hold it.

    A byte of it that is not UTF-8 becomes its number, such as `%e9`.
    """
    # Python keeps such a byte of a file name as a lone surrogate, U+DC80 to U+DCFF.
    return "".join(f"%{ord(sign) - 0xDC00:02x}" if "\udc80" <= sign <= "\udcff" else sign for sign in name)


def split_in(name: str) -> str | None:
    """Return the split whose word is in `name`, as in `seg_train`.

    None where none is, or two are.

    >>> split_in("train_labels"), split_in("trains"), split_in("train-test")
    ('train', None, None)
    """
    splits = {SPLITS[word] for word in re.findall("[a-z]+", name.lower()) if word in SPLITS}
    return splits.pop() if len(splits) == 1 else None


def silent(stage: str, done: int, total: int) -> None:
    """Ignore progress."""


def stamp(path: Path) -> tuple[str, tuple[int, ...]]:
    """Return a file's path and a stamp that changes with the file."""
    stat = path.stat()
    return str(path), (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
