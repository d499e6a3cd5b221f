"""The labelled images that a model is evaluated on.

A split of its own data, or data it has never met.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError, nearest
from ..data.arrange import locate
from ..data.config import DataConfig
from ..data.pack import Pack, Skipped, Split
from ..data.preprocessing import Preprocessing
from ..data.sources.base import Chunk, Images, Progress
from ..data.sources.spelling import nfc
from ..metrics.confidence import Labels

_CHUNK = 256  # images at a time, as a split may be larger than memory


class Subject(Protocol):
    """Labelled images, N of them."""

    @property
    def key(self) -> str:
        """A file name that stands for them."""
        ...

    @property
    def title(self) -> str:
        """The images in words."""
        ...

    @property
    def source(self) -> str:
        """The source they come from."""
        ...

    @property
    def labels(self) -> Labels:
        """The labels int64 [N], positions in the model's class names."""
        ...

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The images known at once to be unreadable.

        They are not among the N.
        """
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Decisions about them, in sentences."""
        ...

    @property
    def opening(self) -> int | None:
        """The number of this opening of a sealed test split.

        None where there is no seal.
        """
        ...

    def chunks(self) -> Iterator[Chunk]:
        """Yield all images as the model takes them, with rows.

        Rows are those in `labels`; chunks name what could not be read.
        """
        ...

    def images(self, rows: Sequence[int]) -> list[NDArray[np.uint8]]:
        """The "val" or "test" split of the pack of a trained model."""
        ...

    def names(self, rows: Sequence[int]) -> list[str]:
        """Return the names of the images of `rows`."""
        ...


@dataclass(frozen=True, slots=True)
class SplitSubject:
    """The "val" or "test" split of a trained model's pack.

    `config` and `data_root` say where the images came from: their files are named by them.
    """

    pack: Pack
    part: str
    split: Split
    config: DataConfig
    data_root: Path | None = None
    opening: int | None = None

    @property
    def key(self) -> str:
        """The split's name."""
        return self.part

    @property
    def title(self) -> str:
        """The split in words."""
        return f"{'validation' if self.part == 'val' else 'test'} images of {self.pack.source}"

    @property
    def source(self) -> str:
        """The source as the configuration has it."""
        return self.config.source

    @property
    def labels(self) -> Labels:
        """The labels of the whole split."""
        return self.split.labels

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Nothing: a pack holds what could be read."""
        return ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing that was not said when the model was trained."""
        return ()

    def chunks(self) -> Iterator[Chunk]:
        """Yield slices of the memory map."""
        for start in range(0, len(self.split), _CHUNK):
            images = self.split.images[start : start + _CHUNK]
            yield Chunk(images, np.arange(start, start + len(images), dtype=np.int64))

    def images(self, rows: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return images from the memory map."""
        return [np.asarray(self.split.images[row]) for row in rows]

    def names(self, rows: Sequence[int]) -> list[str]:
        """Return the names in the source, or numbers where it is gone."""
        numbers = [int(self.split.index[row]) for row in rows]
        try:
            source_names = locate(self.config, self.data_root).read(lambda stage, done, total: None).pixels.names
        except (DataError, OSError):
            source_names = ()
        return [source_names[number] if number < len(source_names) else f"image {number}" for number in numbers]


@dataclass(frozen=True, slots=True)
class NewSubject:
    """All images of another source, for the model of `preprocessing`.

    Whatever splits the source names.
    """

    name: str
    source: str
    content: Images
    labels: Labels
    preprocessing: Preprocessing
    opening: int | None = None

    @property
    def key(self) -> str:
        """The source's name and some digits of its path's digest.

        Another folder may have the same name.
        """
        return f"{self.name}-{sha256(self.source.encode()).hexdigest()[:6]}"

    @property
    def title(self) -> str:
        """The images in words."""
        return f"images of {self.name}"

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Links to nothing and the like."""
        return self.content.skipped

    @property
    def notes(self) -> tuple[str, ...]:
        """The source's notes."""
        return self.content.notes

    def chunks(self) -> Iterator[Chunk]:
        """Yield images decoded as for training."""
        yield from self.content.pixels.chunks(self.preprocessing.image_size, self.preprocessing.channels)

    def images(self, rows: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Return images, decoded once more."""
        size, channels = self.preprocessing.image_size, self.preprocessing.channels
        return [image for chunk in self.content.pixels.select(rows).chunks(size, channels) for image in chunk.images]

    def names(self, rows: Sequence[int]) -> list[str]:
        """Return the paths in the source, or the numbers."""
        return [self.content.pixels.names[row] for row in rows]


def new_subject(
    config: DataConfig,
    data_root: Path | None,
    class_names: Sequence[str],
    preprocessing: Preprocessing,
    progress: Progress,
) -> NewSubject:
    """Return all images of the source of `config`, its classes matched.

    By name with the model's `class_names`.

    Raises:
        DataError: the source is missing or not usable, or has a class that the model does not know.
    """
    data_source = locate(config, data_root)
    content = data_source.read(progress)
    position = {nfc(name): number for number, name in enumerate(class_names)}
    unknown = [name for name in content.class_names if nfc(name) not in position]
    if unknown:
        raise DataError(
            f"data: {config.source}: the model does not know {_quoted(unknown)}; {nearest(unknown[0], class_names)}\n"
            f"  its {len(class_names)} classes are {_quoted(class_names)}; data.classes says which of the data to use"
        )
    labels = np.array([position[nfc(name)] for name in content.class_names], np.int64)[content.labels]
    return NewSubject(data_source.name, config.source, content, labels, preprocessing)


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:10])
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")
