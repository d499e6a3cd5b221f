"""Decoding of image files within limits, with a reason for each refusal.

Any file that Pillow knows becomes uint8 [size, size, channels] by the rule in preprocess.py, or a reason why not. The
dimensions in the header are checked before anything is decoded: more than 25 megapixels are refused.

Pillow warns about odd metadata. Silencing that is up to the caller, because warning filters belong to the process and
these functions are called from threads.
"""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..errors import DataError
from . import preprocess
from .bounded import IMAGE_BYTES, UnfitFileError, read_bytes
from .image_limits import EXIF_BYTES, SHORT, Source, check_pieces, icon_size

# above the 24 megapixels of most cameras; as RGBA it is 100 MB, which a file of some KB may claim
MAX_PIXELS = 25_000_000
# photos, drawings and scans; not EPS, for which Pillow starts Ghostscript on the file
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "JPEG2000", "AVIF", "PCX")

_TIFF = (b"II*\0", b"MM\0*")


class UnreadableImageError(DataError):
    """A file that cannot be used as an image.

    The message is the reason, without the file's name.
    """


class UnknownFormatError(UnreadableImageError):
    """A file in none of the formats that are read."""


class TooLargeImageError(UnreadableImageError):
    """An image whose header claims more than MAX_PIXELS."""


class Header(NamedTuple):
    """The facts that an image's header states.

    Width and height in pixels, before orientation; Pillow's name of the mode ("RGB"); the format ("PNG").
    """

    width: int
    height: int
    mode: str
    kind: str


def decode(source: Path | bytes, size: int, channels: int) -> NDArray[np.uint8]:
    """Decode `source` to uint8 [size, size, channels].

    `channels` is 1 (grey) or 3 (RGB).

    Raises:
        UnreadableImageError: it is no image, is damaged or cut short, or has more than 25 megapixels.
    """
    return pixels(open_image(source), size, channels)


def header(source: Path | bytes) -> Header:
    """Read the header of `source`; nothing is decoded.

    Raises:
        UnreadableImageError: as `decode`.
    """
    image = open_image(source)
    return Header(image.width, image.height, image.mode, image.format or "")


def open_image(
    source: Path | bytes, formats: Sequence[str] = FORMATS, waiting: Callable[[], bool] = lambda: True
) -> Image.Image:
    """Open `source`: its header is read, its pixels are not.

    Only the image of an icon is decoded here, by Pillow. `formats` are as Pillow calls them.

    Reading and decoding end soon after `waiting`, which is asked on the thread that does it, says that nobody waits;
    a short file is not worth asking.

    Raises:
        UnknownFormatError: it is in none of `formats`; the readers of other formats do not see it.
        TooLargeImageError: it has more than 25 megapixels.
        UnreadableImageError: its header is damaged or in too many pieces, or there is no permission to read it.
    """
    content = source if isinstance(source, bytes) else _read(source)
    try:
        check_pieces(content)
        # before Image.open, which decodes an icon at once
        _check_size(icon_size(content) if "ICO" in formats else None)
        # a Python object between Pillow and the bytes costs time at every read, which a short file is not worth
        file = Source(content, waiting) if len(content) > SHORT else io.BytesIO(content)
        image = Image.open(file, formats=tuple(formats))
        _check_size(preprocess.inner(image).size)
        if len(image.info.get("exif", b"")) > EXIF_BYTES:
            raise ValueError(f"more than {EXIF_BYTES // 2**20} MiB of EXIF")
    except UnidentifiedImageError as error:
        raise UnknownFormatError(_not_an_image(content[:512], formats)) from error
    except TooLargeImageError:
        raise
    except Exception as error:  # Pillow's readers raise almost anything on hostile bytes
        raise UnreadableImageError(f"its header cannot be read: {_words(error)}") from error
    if isinstance(file, Source):
        file.opened(image.format)
    return image


def pixels(image: Image.Image, size: int, channels: int) -> NDArray[np.uint8]:
    """Turn an opened image into uint8 [size, size, channels].

    By the rule in common/preprocess.py.

    Raises:
        UnreadableImageError: it is damaged or cut short, or of a kind that has no place in the rule.
    """
    try:
        return preprocess.pixels(image, size, channels)
    except preprocess.UnsupportedPixelsError as error:
        raise UnreadableImageError(str(error)) from error
    except Exception as error:  # as above: any exception here is a property of the file
        raise UnreadableImageError(f"damaged or cut short: {_words(error)}") from error


def _check_size(size: tuple[int, int] | None) -> None:
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise TooLargeImageError(f"at most {limit} megapixels are read, its header says {size[0]}x{size[1]}")


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, IMAGE_BYTES)
    except PermissionError as error:
        raise UnreadableImageError("no permission to read it") from error
    except UnfitFileError as error:
        raise UnreadableImageError(str(error.strerror)) from error


def _not_an_image(start: bytes, formats: Sequence[str]) -> str:
    if not start:
        return "an empty file"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer in place of the image; run `git lfs pull`"
    if start.startswith(_TIFF) and "TIFF" in formats:
        return "a TIFF with samples that Pillow does not read; save it as grey or RGB of 8 or 16 bits"
    if start[4:8] == b"ftyp":  # the container of ISO 14496-12; AVIF, which is read, was recognised before
        return "HEIC or a video, which is not read here; convert it to JPEG or PNG"
    text = all(byte >= 32 or byte in b"\t\r\n" for byte in start)
    return "text, not an image" if text else "no image format that is read here"


def _words(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:120] or type(error).__name__
