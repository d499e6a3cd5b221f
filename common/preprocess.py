"""Preprocessing of images, in words (STEPS) and in code (`pixels`).

Needs numpy and Pillow, nothing of hpo. A copy lies in every export, for use where hpo is not installed:

    image = pixels(Image.open("photo.jpg"), image_size, channels)  # uint8 [image_size, image_size, channels]

Whatever tells the rule takes its words from here: manifest.json, the metadata of model.onnx, the server, the guides.
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

VERSION = 2  # raised with every change of the pixels of any image: what was packed by another version is packed anew

STEPS = (
    "Of an animation or of several pages the first image is taken, of an icon the largest.",
    "A JPEG is decoded at 1/2, 1/4 or 1/8 of its size, the smallest whose sides are at least 2 x image_size.",
    "EXIF orientation is applied.",
    "Palettes, CMYK and YCbCr become RGB as Pillow converts them; colour profiles and gamma are not applied.",
    "Grey of up to 16 bits is scaled to 0..255 from all that its bits can hold; 16-bit colour keeps its upper 8 bits.",
    "Signed, 32-bit and float values are scaled from the smallest of 0..1 (floats), 0..255 and 0..65535 that holds"
    " those of the image, otherwise from its minimum and maximum; NaN counts as 0.",
    "Transparency is laid on white: an alpha channel, a palette's, or the one transparent colour of a PNG or GIF,"
    " compared in all its bits. In BMP, TGA and ICO bitmaps an alpha channel that is 0 everywhere is none.",
    "For a grey model colour becomes 0.299 R + 0.587 G + 0.114 B; for a colour model grey is repeated.",
    "The largest centred square is resized to image_size x image_size by an antialiased bicubic filter:"
    " Pillow's resize(size, BICUBIC, box, reducing_gap=3.0), the box not rounded to whole pixels.",
)
"""What the code below does, in order; where the words leave a choice of rounding, the code decides."""

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
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # TIFF tags
_WHITE_IS_ZERO, _UNSIGNED, _SIGNED = 0, 1, 2  # their values
_DEPTHS = {"L;2": 2, "L;4": 4, "I;16B": 16, "RGB;16B": 16}  # bits, by Pillow's name of what is stored; others have 8
_BLOCK = 2**16  # numbers that are scaled at a time: as float64 a large image would take ten times its size
_MAY_LACK_ALPHA = ("BMP", "TGA", None)  # None: a bitmap in an icon


class UnsupportedPixelsError(ValueError):
    """An image of a kind that the rule does not cover."""


def pixels(image: Image.Image, size: int, channels: int) -> NDArray[np.uint8]:
    """Preprocess an opened image to uint8 [size, size, channels].

    It is as `Image.open` gives it, not loaded yet; channels are 1 (grey) or 3 (RGB).

    Raises:
        UnsupportedPixelsError: it is in the LAB colour space.
        Exception: whatever Pillow raises on a file that is damaged or cut short.
    """
    image = inner(image)
    # a JPEG alone is decoded at 1/8 to 1/2 of its size; twice `size` leaves the resize pixels to average
    image.draft(None, (2 * size, 2 * size))
    # before load(), which makes an alpha channel of it and forgets bits above the eighth
    clear = _transparent_colour(image)
    image.load()
    plain = _opaque(_eight_bits(image))
    if clear is not None:
        plain = plain.convert("RGB")
        plain.paste("white", mask=Image.fromarray(clear))
    orientation = image.getexif().get(_ORIENTATION)  # after loading: a PNG may hold it behind its pixels
    return fit(plain.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else plain, size, channels)


def inner(image: Image.Image) -> Image.Image:
    """Return the largest image of an icon; others as they are.

    An icon loses its transparent colour where Pillow unpacks it.
    """
    icon = getattr(image, "ico", None)
    return image if icon is None else icon.getimage(image.size)


def fit(image: Image.Image, size: int, channels: int) -> NDArray[np.uint8]:
    """Crop and resize an opaque 8-bit image to uint8 [size, size, channels].

    The largest centred square is taken.
    """
    plain = image.convert("L" if channels == 1 else "RGB")
    if plain.size != (size, size):
        side = min(plain.size)
        left, top = (plain.width - side) / 2, (plain.height - side) / 2
        box = (left, top, left + side, top + side)
        plain = plain.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)
    return np.asarray(plain, dtype=np.uint8).reshape(size, size, channels)


def _transparent_colour(image: Image.Image) -> NDArray[np.bool_] | None:
    """Return the mask of the one transparent colour, bool [H, W].

    Of a PNG or GIF.

    None where there is none; the image's `info` has it no more.

    Pillow compares samples of 8 bits, where those of the file may have more or fewer (PNG, 11.3.2.1 and 13.16).
    """
    if "transparency" not in image.info or image.mode == "P":  # of a palette it is an entry, see `_opaque`
        return None
    tiles = getattr(image, "tile", ())
    if not tiles:
        raise ValueError("an image with a transparent colour must be as Image.open gives it, not loaded yet")
    stored = tiles[0].args
    top = 2 ** _DEPTHS.get(stored, 8) - 1
    colour = np.asarray(image.info.pop("transparency")) & top
    # two different 16-bit colours may share their upper bytes
    low = _low_bytes(image) if stored == "RGB;16B" else None
    samples = np.asarray(image.convert("L") if image.mode == "1" else image)
    if low is not None:
        samples = 256 * samples.astype(np.uint16) + low
    same = samples == (colour * (255 // top) if top < 255 else colour)
    return np.asarray(np.atleast_3d(same).all(axis=2))  # [H, W] or [H, W, C] -> [H, W]


def _low_bytes(image: Image.Image) -> NDArray[np.uint8]:
    """Return the lower bytes of 16-bit colour, uint8 [H, W, 3].

    Pillow keeps the upper ones.
    """
    file: io.BytesIO = image.fp  # type: ignore[attr-defined]
    position = file.tell()
    file.seek(0)
    twin = Image.open(io.BytesIO(file.read()))
    file.seek(position)
    twin.tile = [twin.tile[0]._replace(args="RGB;16L")]  # read as if the bytes were the other way round
    return np.asarray(twin)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return a loaded image with samples of 8 bits."""
    tags: dict[int, Any] = getattr(image, "tag_v2", {})
    (sample_format, *_) = tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))
    stored: type[np.generic] | None = None  # the type of a sample, where Pillow's mode tells another
    top: int | None = None
    match image.mode:
        case "LAB":
            raise UnsupportedPixelsError("the LAB colour space is not supported; save it as RGB")
        case "I;16" | "I;16B" | "I;16L" | "I;16N":
            top = 2 ** tags.get(_BITS, (16,))[0] - 1
        case "I" if image.format == "PPM":
            top = 65535
        case "I" if tags and sample_format == _UNSIGNED:
            stored = np.uint32
        case "L" if sample_format == _SIGNED:
            stored = np.int8
        case "I" | "F":
            pass
        case _:
            return image
    values = np.asarray(image)
    grey = _scaled(values if stored is None else values.view(stored), top)
    return Image.fromarray(255 - grey if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else grey)


def _scaled(values: NDArray[Any], top: int | None) -> NDArray[np.uint8]:
    """Scale numbers to uint8, from 0..top or their own range.

    Where `top` is None the range is one that holds them, see STEPS.
    """
    flat = values.reshape(-1)
    blocks = [slice(start, start + _BLOCK) for start in range(0, flat.size, _BLOCK)]
    low, high = _range(flat, blocks) if top is None else (0.0, float(top))
    scaled = np.empty(flat.shape, np.uint8)
    for block in blocks:
        numbers = np.nan_to_num(flat[block].astype(np.float64), posinf=high, neginf=low).clip(low, high)
        scaled[block] = np.rint((numbers - low) * (255 / max(high - low, 1e-12)))
    return scaled.reshape(values.shape)


def _range(values: NDArray[Any], blocks: list[slice]) -> tuple[float, float]:
    """Return the range of numbers [N] whose file states none."""
    parts = (values[block].astype(np.float64) for block in blocks)
    finite = (part[np.isfinite(part)] for part in parts)
    ends = [(float(part.min()), float(part.max())) for part in finite if part.size] or [(0.0, 0.0)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    ranges = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
    if low >= 0 and high <= ranges[-1]:
        return 0.0, next(limit for limit in ranges if high <= limit)
    return low, high


def _opaque(image: Image.Image) -> Image.Image:
    """Lay the image's transparency on white."""
    if not image.has_transparency_data:
        return image
    straight = image.convert("LA") if image.mode == "La" else image  # the one way that Pillow knows from La
    over = straight.convert("RGBA")
    # programs leave the fourth byte of such bitmaps at 0 and mean opaque
    if image.format in _MAY_LACK_ALPHA and over.getchannel("A").getextrema() == (0, 0):
        return over.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
