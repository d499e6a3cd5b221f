"""The labelled images that a model is evaluated on: a split of its own data, or data it has never met."""

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

_CHUNK = 256


class Subject(Protocol):
    """Labelled images, N of them."""

    @property
    def key(self) -> str:
        """A file name that stands for them."""
        ...

    @property
    def title(self) -> str:
        """What they are, in words."""
        ...

    @property
    def source(self) -> str:
        """Where they come from."""
        ...

    @property
    def labels(self) -> Labels:
        """int64 [N], positions in the model's class names."""
        ...

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What is known at once to be unreadable; it is not among the N."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about them, in sentences."""
        ...

    @property
    def opening(self) -> int | None:
        """Which opening of a sealed test split this is; None where there is no seal."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """All images as the model takes them, with their rows in `labels`, and what could not be read."""
        ...

    def images(self, rows: Sequence[int]) -> list[NDArray[np.uint8]]:
        """The images of `rows`, as the model takes them."""
        ...

    def names(self, rows: Sequence[int]) -> list[str]:
        """What the images of `rows` are called."""
        ...


@dataclass(frozen=True, slots=True)
class SplitSubject:
    """The "val" or "test" split of the pack that a model was trained on.

    `config` and `data_root` say where the images came from: with that their files can be named.
    """

    pack: Pack
    part: str
    split: Split
    config: DataConfig
    data_root: Path | None = None
    opening: int | None = None

    @property
    def key(self) -> str:
        """The split."""
        return self.part

    @property
    def title(self) -> str:
        """In words."""
        return f"{'validation' if self.part == 'val' else 'test'} images of {self.pack.source}"

    @property
    def source(self) -> str:
        """As the configuration has it."""
        return self.config.source

    @property
    def labels(self) -> Labels:
        """Of the whole split."""
        return self.split.labels

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """None: a pack holds what could be read."""
        return ()

    @property
    def notes(self) -> tuple[str, ...]:
        """None that were not said when the model was trained."""
        return ()

    def chunks(self) -> Iterator[Chunk]:
        """Slices of the memory map."""
        for start in range(0, len(self.split), _CHUNK):
            images = self.split.images[start : start + _CHUNK]
            yield Chunk(images, np.arange(start, start + len(images), dtype=np.int64))

    def images(self, rows: Sequence[int]) -> list[NDArray[np.uint8]]:
        """From the memory map."""
        return [np.asarray(self.split.images[row]) for row in rows]

    def names(self, rows: Sequence[int]) -> list[str]:
        """Their names in the source; their numbers there where the source is gone."""
        numbers = [int(self.split.index[row]) for row in rows]
        try:
            known = locate(self.config, self.data_root).read(lambda stage, done, total: None).pixels.names
        except (DataError, OSError):
            known = ()
        return [known[number] if number < len(known) else f"image {number}" for number in numbers]


@dataclass(frozen=True, slots=True)
class NewSubject:
    """All images of another source, whatever splits it names, for the model of `preprocessing`."""

    name: str
    source: str
    found: Images
    labels: Labels
    preprocessing: Preprocessing
    opening: int | None = None

    @property
    def key(self) -> str:
        """The source's name, and some digits of its place: another folder may have the same name."""
        return f"{self.name}-{sha256(self.source.encode()).hexdigest()[:6]}"

    @property
    def title(self) -> str:
        """In words."""
        return f"images of {self.name}"

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Links to nothing and the like."""
        return self.found.skipped

    @property
    def notes(self) -> tuple[str, ...]:
        """As the source has them."""
        return self.found.notes

    def chunks(self) -> Iterator[Chunk]:
        """Decoded as for training."""
        yield from self.found.pixels.chunks(self.preprocessing.image_size, self.preprocessing.channels)

    def images(self, rows: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Decoded once more."""
        size, channels = self.preprocessing.image_size, self.preprocessing.channels
        return [image for chunk in self.found.pixels.select(rows).chunks(size, channels) for image in chunk.images]

    def names(self, rows: Sequence[int]) -> list[str]:
        """Their paths in the source, or their numbers."""
        return [self.found.pixels.names[row] for row in rows]


def new_subject(
    config: DataConfig,
    data_root: Path | None,
    class_names: Sequence[str],
    preprocessing: Preprocessing,
    progress: Progress,
) -> NewSubject:
    """All images of the source of `config`, its classes matched by name with the model's `class_names`.

    Raises:
        DataError: the source is missing or not usable, or has a class that the model does not know.
    """
    located = locate(config, data_root)
    found = located.read(progress)
    position = {nfc(name): number for number, name in enumerate(class_names)}
    unknown = [name for name in found.class_names if nfc(name) not in position]
    if unknown:
        raise DataError(
            f"data: {config.source}: the model does not know {_quoted(unknown)}; {nearest(unknown[0], class_names)}\n"
            f"  its {len(class_names)} classes are {_quoted(class_names)}; data.classes says which of the data to use"
        )
    labels = np.array([position[nfc(name)] for name in found.class_names], np.int64)[found.labels]
    return NewSubject(located.name, config.source, found, labels, preprocessing)


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:10])
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")
