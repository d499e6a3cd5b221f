"""Images of a source that are one file each."""

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeVar

import numpy as np

from ....common import preprocess
from ....common.bounded import IMAGE_BYTES, UnfitFileError, read_bytes
from ....common.decode import Header, UnreadableImageError, decode, header
from ..ahead import ahead
from ..pack import Skipped
from .base import Chunk, Progress, shown, silent

DEFAULT_SIZE = 64  # pixels a side where images have no common size: the cost grows with the square
SIZES = range(4, 1025)  # what DataConfig.image_size may be
NEARLY_ALL = 0.95  # of the readable images; a few odd ones shall not decide what all the others cost

_SIZE_RULE = 2  # raised with every change of the size that images are given where none is asked for

_CHUNK = 16  # files; few, so that a handful of large photographs still keeps every thread busy
_CHUNK_BYTES = 4 * 2**20  # of decoded images, however large they are; a few chunks wait in memory at a time
_THREADS = max(1, min(8, os.cpu_count() or 1))  # Pillow decodes and resizes, and hashlib hashes, without the GIL

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FilePixels:
    """The image files `names` below `root`, in this order."""

    root: Path
    names: tuple[str, ...]
    progress: Progress

    @property
    def auto_channels(self) -> int:
        """Colour: whether all images are grey is only known after decoding."""
        return 3

    def __len__(self) -> int:
        return len(self.names)

    def digests(self) -> Iterator[bytes]:
        """Yield the versions of the rules, then a digest of each chunk.

        Of name and content of each file.
        """
        yield rules().encode()
        yield from self._per_chunk("hash", self._digest)

    def natural_size(self, headers: Iterable[Header | None]) -> tuple[int, str]:
        """Return the square size of 95 % of the readable files, else 64."""
        sizes = Counter((header.width, header.height) for header in headers if header)
        (width, height), count = sizes.most_common(1)[0] if sizes else ((0, 0), 0)
        total = sizes.total()
        if width == height and width in SIZES and count >= NEARLY_ALL * total:
            return width, "every image has it" if count == total else f"{count:,} of {total:,} images have it"
        return DEFAULT_SIZE, f"the default, as {_why_default(width, height, count, total)}"

    def headers(self) -> Iterator[Header | None]:
        """Yield the headers as the files state them.

        Unreadable files are named when they are decoded.
        """
        for chunk_headers in self._per_chunk("measure", self._headers):
            yield from chunk_headers

    def chunks(self, size: int, channels: int) -> Iterator[Chunk]:
        """Decode on a few threads, in order; unreadable files are named instead."""
        files = min(_CHUNK, max(1, _CHUNK_BYTES // (size * size * channels)))
        yield from self._per_chunk("decode", lambda rows: self._decode(rows, size, channels), files)

    def select(self, rows: Sequence[int]) -> Self:
        """Return these files, unread and without progress."""
        return replace(self, names=tuple(self.names[row] for row in rows), progress=silent)

    def _per_chunk(self, stage: str, work: Callable[[range], Result], files: int = _CHUNK) -> Iterator[Result]:
        chunks = [range(start, min(start + files, len(self))) for start in range(0, len(self), files)]
        done = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about odd files; what matters about them becomes a reason
            for rows, result in zip(chunks, ahead(work, chunks, threads=_THREADS), strict=True):
                done += len(rows)
                self.progress(stage, done, len(self))
                yield result

    def _digest(self, rows: range) -> bytes:
        digest = hashlib.sha256()
        for row in rows:
            digest.update(os.fsencode(self.names[row]) + b"\0" + _content_digest(self.root / self.names[row]))
        return digest.digest()

    def _headers(self, rows: range) -> list[Header | None]:
        return [_header(self.root / self.names[row]) for row in rows]

    def _decode(self, rows: range, size: int, channels: int) -> Chunk:
        images = np.empty((len(rows), size, size, channels), np.uint8)
        readable: list[int] = []
        skipped: list[Skipped] = []
        for row in rows:
            try:
                images[len(readable)] = decode(self.root / self.names[row], size, channels)
                readable.append(row)
            except UnreadableImageError as error:
                skipped.append(Skipped(shown(self.names[row]), str(error)))
        return Chunk(images[: len(readable)], np.array(readable, dtype=np.int64), tuple(skipped))


def rules() -> str:
    """Return the versions of the rules by which files become pixels."""
    return f"preprocess {preprocess.VERSION}, size {_SIZE_RULE}"


def _why_default(width: int, height: int, count: int, total: int) -> str:
    """Return why the most common size is not taken.

    The size (`width`, `height`) is that of `count` images of `total`.
    """
    if count < total:
        return (
            f"fewer than {NEARLY_ALL:.0%} of the images share one square size (most often {width}x{height}: {count:,})"
        )
    if width == height:
        return f"every image is {width}x{height}, and {SIZES.start} to {SIZES.stop - 1} is possible"
    return f"every image is {width}x{height}, which is not square"


def _content_digest(path: Path) -> bytes:
    """Return a file's digest, empty for one that is not read.

    It is skipped, and a pack without it is right as long as that is so.
    """
    try:
        return hashlib.sha256(read_bytes(path, IMAGE_BYTES)).digest()
    except (PermissionError, UnfitFileError):
        return b""


def _header(path: Path) -> Header | None:
    try:
        return header(path)
    except UnreadableImageError:
        return None
