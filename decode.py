"""One decision for every awkward image, the same wherever pixels are read.

Any file that Pillow knows becomes uint8 [size, size, channels]:

- EXIF orientation is applied; of an animation the first frame is taken.
- Transparency is laid on white. CMYK, palettes and one-bit images become RGB. 16-bit grey is scaled from 0..65535;
  32-bit integers and floats are scaled from the smallest of 0..1, 0..255 and 0..65535 that holds them, otherwise
  from their own minimum and maximum.
- The largest centred square is resized with an antialiased bicubic filter: the shorter side becomes `size`, the
  overhang of the longer one is cut off evenly.
- The dimensions in the header are checked before anything is decoded: more than 25 megapixels are refused.

Pillow warns about odd metadata. Silencing that is up to the caller, because warning filters belong to the process and
these functions are called from threads.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .errors import DataError

MAX_PIXELS = 25_000_000
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "JPEG2000", "AVIF", "PCX")

_ORIENTATION = 0x0112  # EXIF tag; the values and what undoes them: Exif 2.3, section 4.6.4
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TRANSPARENT = ("RGBA", "RGBa", "LA", "La", "PA")


class UnreadableImageError(DataError):
    """A file that cannot be used as an image; the message is the reason, without the file's name."""


class UnknownFormatError(UnreadableImageError):
    """It is in none of the formats that are read."""


class TooLargeImageError(UnreadableImageError):
    """Its header claims more than MAX_PIXELS."""


class Header(NamedTuple):
    """Width and height in pixels, before orientation; Pillow's name of the mode ("RGB"); the format ("PNG")."""

    width: int
    height: int
    mode: str
    kind: str


def decode(source: Path | bytes, size: int, channels: int) -> NDArray[np.uint8]:
    """The image in `source` as uint8 [size, size, channels], `channels` being 1 (grey) or 3 (RGB).

    Raises:
        UnreadableImageError: it is no image, is damaged or cut short, or has more than 25 megapixels.
    """
    return pixels(open_image(source), size, channels)


def header(source: Path | bytes) -> Header:
    """What the header states; nothing is decoded.

    Raises:
        UnreadableImageError: as `decode`.
    """
    image = open_image(source)
    return Header(image.width, image.height, image.mode, image.format or "")


def open_image(source: Path | bytes, formats: Sequence[str] = FORMATS) -> Image.Image:
    """The image in `source` with its header read and nothing decoded; `formats` as Pillow calls them.

    Raises:
        UnknownFormatError: it is in none of `formats`; the readers of other formats do not see it.
        TooLargeImageError: it has more than 25 megapixels.
        UnreadableImageError: its header is damaged, or there is no permission to read it.
    """
    content = source if isinstance(source, bytes) else _read(source)
    try:
        image = Image.open(io.BytesIO(content), formats=tuple(formats))
    except UnidentifiedImageError as error:
        raise UnknownFormatError(_not_an_image(content[:512])) from error
    except Exception as error:  # Pillow's readers raise almost anything on hostile bytes
        raise UnreadableImageError(f"its header cannot be read: {_words(error)}") from error
    if image.width * image.height > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise TooLargeImageError(f"at most {limit} megapixels are read, its header says {image.width}x{image.height}")
    return image


def pixels(image: Image.Image, size: int, channels: int) -> NDArray[np.uint8]:
    """What `open_image` opened, decoded: uint8 [size, size, channels].

    Raises:
        UnreadableImageError: it is damaged or cut short.
    """
    image.draft(None, (2 * size, 2 * size))  # JPEG only: decode at a fraction of the size where it stays twice enough
    return fit(_load(image), size, channels)


def fit(image: Image.Image, size: int, channels: int) -> NDArray[np.uint8]:
    """A loaded image of any mode and size as uint8 [size, size, channels]."""
    plain = _plain(image).convert("L" if channels == 1 else "RGB")
    if plain.size != (size, size):
        side = min(plain.size)
        left, top = (plain.width - side) / 2, (plain.height - side) / 2
        box = (left, top, left + side, top + side)
        plain = plain.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)
    return np.asarray(plain, dtype=np.uint8).reshape(size, size, channels)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except PermissionError as error:
        raise UnreadableImageError("no permission to read it") from error


def _load(image: Image.Image) -> Image.Image:
    try:
        image.load()
        orientation = image.getexif().get(_ORIENTATION)
    except Exception as error:  # as above: any exception here is a property of the file
        raise UnreadableImageError(f"damaged or cut short: {_words(error)}") from error
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _plain(image: Image.Image) -> Image.Image:
    """The image in mode L or RGB, or one that converts to both without loss of meaning."""
    if image.mode in _TRANSPARENT or "transparency" in image.info:
        opaque = image.convert("RGBA")
        white = Image.new("RGBA", opaque.size, "white")
        return Image.alpha_composite(white, opaque).convert("RGB")
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_eight_bits(np.asarray(image), sixteen=image.mode.startswith("I;16")))
    if image.mode == "LAB":
        raise UnreadableImageError("the LAB colour space is not supported; save it as RGB")
    return image


def _to_eight_bits(values: NDArray[np.generic], *, sixteen: bool) -> NDArray[np.uint8]:
    numbers = np.nan_to_num(values.astype(np.float64))
    low, high = 0.0, 65535.0
    if not sixteen:
        low, high = float(numbers.min()), float(numbers.max())
        ranges = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
        if low >= 0 and high <= ranges[-1]:
            low, high = 0.0, next(limit for limit in ranges if high <= limit)
    return np.rint((numbers - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)


def _not_an_image(start: bytes) -> str:
    if not start:
        return "an empty file"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer in place of the image; run `git lfs pull`"
    if start[4:8] == b"ftyp":  # the container of ISO 14496-12; AVIF, which is read, was recognised before
        return "HEIC or a video, which is not read here; convert it to JPEG or PNG"
    text = all(byte >= 32 or byte in b"\t\r\n" for byte in start)
    return "text, not an image" if text else "no image format that is read here"


def _words(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:120] or type(error).__name__
