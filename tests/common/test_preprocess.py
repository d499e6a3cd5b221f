"""The rule on every pixel format that files can hold, against pixels computed from the formats' own specifications.

Files are written here byte by byte, so that Pillow has no part in what is expected of it.
"""

import io
import struct
import zlib

import numpy as np
import pytest
from hpo.common.preprocess import UnsupportedPixelsError, fit, pixels
from numpy.typing import NDArray
from PIL import Image

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow warns about the odd files that are the point here

Numbers = NDArray[np.int64]

SIDE = 16
GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6  # colour types of PNG
BANDS = {GREY: 1, COLOUR: 3, PALETTE: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), COLOUR: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), COLOUR_ALPHA: (8, 16)}
FORMS = [(colour, depth) for colour, depths in DEPTHS.items() for depth in depths]
KEYED = [(colour, depth) for colour, depth in FORMS if colour in (GREY, COLOUR)]


def draw(bands: int, depth: int) -> Numbers:
    """Samples [SIDE, SIDE, bands] of every size that `depth` bits hold."""
    random = np.random.default_rng(depth)
    return random.integers(0, 2**depth, (SIDE, SIDE, bands))


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def packed(samples: Numbers, depth: int) -> list[bytes]:
    """Rows of samples, most significant bit first, each row from a new byte."""
    bits = samples.reshape(len(samples), -1, 1) >> np.arange(depth - 1, -1, -1) & 1
    return [np.packbits(row.astype(np.uint8)).tobytes() for row in bits.reshape(len(samples), -1)]


def png(samples: Numbers, colour: int, depth: int, clear: bytes | None = None, palette: Numbers | None = None) -> bytes:
    """A PNG of `samples` [H, W, bands]; `clear` is the content of its tRNS chunk, `palette` [N, 3] that of its PLTE."""
    height, width, _ = samples.shape
    rows = b"".join(b"\0" + row for row in packed(samples, depth))  # 0: no filter
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))]
    if palette is not None:
        parts.append(chunk(b"PLTE", palette.astype(np.uint8).tobytes()))
    if clear is not None:
        parts.append(chunk(b"tRNS", clear))
    parts += [chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


TAGS = {
    "width": 256, "height": 257, "bits": 258, "compression": 259, "photometric": 262, "offset": 273, "bands": 277,
    "rows": 278, "length": 279, "colours": 320, "extra": 338, "kind": 339,
}  # fmt: skip


def tiff(content: bytes, end: str = "<", **tags: int | tuple[int, ...]) -> bytes:
    """A TIFF of one strip, `end` being < (II) or > (MM); `tags` by the names in TAGS, 8-bit grey where not said."""
    given = {"width": SIDE, "height": SIDE, "bits": 8, "compression": 1, "photometric": 1, "bands": 1, "rows": SIDE}
    values = {TAGS[name]: value if isinstance(value, tuple) else (value,) for name, value in (given | tags).items()}
    values |= {TAGS["length"]: (len(content),), TAGS["offset"]: (0,)}
    start = 8 + 2 + 12 * len(values) + 4
    values[TAGS["offset"]] = (start + sum(2 * len(each) for each in values.values() if len(each) > 2),)
    entries = lists = b""
    for tag, each in sorted(values.items()):
        held = struct.pack(f"{end}{len(each)}H", *each)
        if len(each) > 2:
            held, lists = struct.pack(f"{end}I", start + len(lists)), lists + held
        entries += struct.pack(f"{end}HHI", tag, 3, len(each)) + held.ljust(4, b"\0")
    head = b"II" if end == "<" else b"MM"
    return head + struct.pack(f"{end}HIH", 42, 8, len(values)) + entries + b"\0\0\0\0" + lists + content


def eight_bits(samples: Numbers, depth: int) -> NDArray[np.float64]:
    return samples * 255 / (2**depth - 1)


def upper_byte(samples: Numbers) -> NDArray[np.float64]:
    """What Pillow keeps of 16-bit samples with more than one band."""
    return (samples >> 8).astype(np.float64)


def on_white(colour: NDArray[np.float64], alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    return colour * alpha + 255 * (1 - alpha)


def luma(colour: NDArray[np.float64]) -> NDArray[np.float64]:
    """Grey [H, W, 1] of colour [H, W, 1 or 3] (ITU-R 601-2)."""
    return colour if colour.shape[2] == 1 else colour @ np.array([[0.299], [0.587], [0.114]])


def opened(content: bytes, channels: int) -> Numbers:
    return pixels(Image.open(io.BytesIO(content)), SIDE, channels).astype(np.int64)


def check(content: bytes, expected: NDArray[np.float64], room: float = 1.01) -> None:
    """Grey and colour are `expected` [SIDE, SIDE, 1 or 3], give or take a level for rounding."""
    assert np.abs(opened(content, 3) - expected).max() <= room
    assert np.abs(opened(content, 1) - luma(expected)).max() <= room + 1


@pytest.mark.parametrize(("colour", "depth"), FORMS)
def test_a_png_of_every_colour_type_and_depth(colour: int, depth: int) -> None:
    samples = draw(BANDS[colour], depth)
    palette = np.random.default_rng(1).integers(0, 256, (2**depth, 3)) if colour == PALETTE else None
    expected = upper_byte(samples) if depth == 16 and colour != GREY else eight_bits(samples, depth)
    if palette is not None:
        expected = palette[samples[..., 0]].astype(np.float64)
    if colour in (GREY_ALPHA, COLOUR_ALPHA):
        expected = on_white(expected[..., :-1], expected[..., -1:] / 255)
    check(png(samples, colour, depth, palette=palette), expected)


@pytest.mark.parametrize(("colour", "depth"), KEYED)
@pytest.mark.parametrize("unused", [0, 0b101])
def test_the_transparent_colour_of_a_png_is_white_and_no_other_is(colour: int, depth: int, unused: int) -> None:
    """Every bit counts, and those beyond the depth do not (PNG, 11.3.2.1 and 13.16)."""
    samples = draw(BANDS[colour], depth)
    clear = samples[3, 5]
    samples[0, 0] = clear ^ 1  # differs in the last bit alone
    samples[1, 1] = clear
    content = png(samples, colour, depth, struct.pack(f">{len(clear)}H", *(clear | unused << depth & 0xFFFF)))
    is_clear = (samples == clear).all(axis=2, keepdims=True)
    check(content, np.where(is_clear, 255.0, eight_bits(samples, depth)))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_value_that_no_pixel_has_changes_nothing(channels: int) -> None:
    samples = draw(1, 16) // 2 + 2000
    marked = opened(png(samples, GREY, 16, clear=struct.pack(">H", 0)), channels)
    assert (marked == opened(png(samples, GREY, 16), channels)).all()


@pytest.mark.parametrize("depth", DEPTHS[PALETTE])
def test_the_alpha_of_a_png_palette_is_laid_on_white(depth: int) -> None:
    samples, random = draw(1, depth), np.random.default_rng(1)
    palette, alpha = random.integers(0, 256, (2**depth, 3)), random.integers(0, 256, (2**depth, 1))
    alpha[-1] = 255  # left out: entries without one are opaque
    content = png(samples, PALETTE, depth, alpha[:-1].astype(np.uint8).tobytes(), palette)
    expected = on_white(palette.astype(np.float64), alpha / 255)
    check(content, expected[samples[..., 0]])


@pytest.mark.parametrize("grey", [True, False])
def test_the_transparent_entry_of_a_gif_is_white(grey: bool) -> None:
    samples = draw(1, 8)
    palette = np.repeat(np.arange(256)[:, None], 3, 1) if grey else np.random.default_rng(1).integers(0, 256, (256, 3))
    image = Image.fromarray(samples[..., 0].astype(np.uint8), "L" if grey else None)
    if not grey:
        image = image.convert("P")
        image.putpalette(palette.astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "GIF", transparency=int(samples[3, 5, 0]), optimize=False)
    expected = np.where(samples == samples[3, 5], 255, palette[samples[..., 0]])
    check(buffer.getvalue(), expected.astype(np.float64))


GREY_TIFFS = [  # bits, what is white (0: 0), byte order; all that Pillow reads
    *[(bits, white, end) for bits in (1, 2, 4, 8) for white in (0, 1) for end in "<>"],
    *[(12, 1, "<"), (16, 1, "<"), (16, 1, ">"), (16, 0, "<")],
]


@pytest.mark.parametrize(("bits", "white", "end"), GREY_TIFFS)
def test_a_grey_tiff_of_every_depth_whichever_end_is_white(bits: int, white: int, end: str) -> None:
    samples = draw(1, bits)
    content = samples.astype(f"{end}u2").tobytes() if bits == 16 else b"".join(packed(samples, bits))
    grey = eight_bits(samples, bits)
    check(tiff(content, end, bits=bits, photometric=white), grey if white else 255 - grey)


RANGES = [  # the type of the samples, their least and greatest, what becomes 0 and 255; all that Pillow reads
    ("<i1", 0, 127, 0, 255),
    ("<i1", -128, 127, -128, 127),
    ("<i2", 0, 200, 0, 255),
    (">i2", -32768, 32767, -32768, 32767),
    ("<u4", 0, 250, 0, 255),
    ("<u4", 0, 65000, 0, 65535),
    ("<u4", 7, 2**32 - 1, 7, 2**32 - 1),
    ("<i4", -5, 70000, -5, 70000),
    (">i4", 0, 65000, 0, 65535),
    ("<f4", 0, 1, 0, 1),
    (">f4", 0, 200, 0, 255),
    ("<f4", 0, 65535, 0, 65535),
    (">f4", -3, 9, -3, 9),
]


@pytest.mark.parametrize(("kind", "least", "greatest", "black", "white"), RANGES)
def test_numbers_without_a_range_of_their_own_are_scaled_by_the_smallest_that_holds_them(
    kind: str, least: int, greatest: int, black: int, white: int
) -> None:
    values = np.linspace(least, greatest, SIDE * SIDE).reshape(SIDE, SIDE, 1).astype(kind)
    content = tiff(values.tobytes(), kind[0], bits=8 * values.itemsize, kind={"u": 1, "i": 2, "f": 3}[kind[1]])
    check(content, (values.astype(np.float64) - black) / (white - black) * 255)


def test_what_is_no_number_counts_as_0_and_the_infinite_is_at_the_ends() -> None:
    values = np.linspace(-3, 9, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE, 1)
    values[5, :3, 0] = np.nan, np.inf, -np.inf
    expected = (np.nan_to_num(values, nan=0, posinf=9, neginf=-3) + 3) / 12 * 255
    check(tiff(values.tobytes(), bits=32, kind=3), expected.astype(np.float64))


@pytest.mark.parametrize("most", [255, 1023, 65535])
def test_a_grey_pnm_is_scaled_from_what_its_header_says_whatever_the_image_holds(most: int) -> None:
    samples = draw(1, 7)  # a dark one
    content = f"P5 {SIDE} {SIDE} {most}\n".encode() + samples.astype("u1" if most < 256 else ">u2").tobytes()
    check(content, samples * 255 / most)


@pytest.mark.parametrize(("extra", "premultiplied"), [(2, False), (1, True)])
@pytest.mark.parametrize("bands", [2, 4])
def test_the_alpha_of_a_tiff_multiplied_or_not(bands: int, extra: int, premultiplied: bool) -> None:
    samples = draw(bands, 8)
    colour, alpha = samples[..., :-1].astype(np.float64), samples[..., -1:] / 255
    stored = np.rint(np.concatenate([colour * alpha, samples[..., -1:]], 2)) if premultiplied else samples
    photometric = 1 if bands == 2 else 2
    content = tiff(
        stored.astype(np.uint8).tobytes(), bits=(8,) * bands, bands=bands, photometric=photometric, extra=extra
    )
    check(content, on_white(colour, alpha), room=2.01)  # rounded twice


@pytest.mark.parametrize("end", "<>")
@pytest.mark.parametrize("extra", [(), (2,)])
def test_of_16_bit_colour_the_upper_eight_are_taken(end: str, extra: tuple[int, ...]) -> None:
    samples = draw(3 + len(extra), 16)
    tags: dict[str, int | tuple[int, ...]] = {"extra": extra} if extra else {}
    bands = samples.shape[2]
    content = tiff(samples.astype(f"{end}u2").tobytes(), end, bits=(16,) * bands, bands=bands, photometric=2, **tags)
    expected = upper_byte(samples)
    check(content, on_white(expected[..., :3], expected[..., 3:] / 255) if extra else expected)


def test_cmyk_and_inverted_cmyk_become_rgb() -> None:
    samples = draw(4, 8)
    expected = (255 - samples[..., :3]) * (255 - samples[..., 3:]) / 255
    content = tiff(samples.astype(np.uint8).tobytes(), bits=(8,) * 4, bands=4, photometric=5)
    check(content, expected)
    flat = np.broadcast_to(np.array([40, 90, 160, 30], np.uint8), (SIDE, SIDE, 4))
    buffer = io.BytesIO()
    Image.fromarray(flat, "CMYK").save(buffer, "JPEG", quality=100)  # Adobe's: the file holds it upside down
    check(buffer.getvalue(), (255 - flat[..., :3]) * (255.0 - flat[..., 3:]) / 255, room=3)


@pytest.mark.parametrize("used", [False, True])
def test_the_alpha_of_a_tga_counts_unless_it_is_0_everywhere(used: bool) -> None:
    samples = draw(4, 8)
    samples[..., 3] *= used
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, SIDE, SIDE, 32, 0x28)
    content = head + samples[..., [2, 1, 0, 3]].astype(np.uint8).tobytes()
    expected = samples[..., :3].astype(np.float64)
    check(content, on_white(expected, samples[..., 3:] / 255) if used else expected)


def test_the_alpha_of_a_tga_palette_is_laid_on_white() -> None:
    samples, palette = draw(1, 8), np.random.default_rng(1).integers(0, 256, (256, 4))
    head = struct.pack("<BBBHHBHHHHBB", 0, 1, 1, 0, 256, 32, 0, 0, SIDE, SIDE, 8, 0x28)
    content = head + palette[:, [2, 1, 0, 3]].astype(np.uint8).tobytes() + samples.astype(np.uint8).tobytes()
    check(content, on_white(palette[:, :3].astype(np.float64), palette[:, 3:] / 255)[samples[..., 0]])


def icon(content: bytes, bits: int) -> bytes:
    return struct.pack("<HHH4B2H2I", 0, 1, 1, SIDE, SIDE, 0, 0, 1, bits, len(content), 22) + content


def test_transparency_in_an_icon_is_that_of_the_image_inside() -> None:
    samples, palette = draw(1, 8), np.random.default_rng(1).integers(0, 256, (256, 3))
    clear = samples == samples[3, 5]
    alpha = np.where(np.arange(256) == samples[3, 5, 0], 0, 255).astype(np.uint8).tobytes()
    expected = np.where(clear, 255.0, palette[samples[..., 0]].astype(np.float64))
    check(icon(png(samples, PALETTE, 8, alpha, palette), 8), expected)
    deep = draw(1, 16)
    key = struct.pack(">H", int(deep[3, 5, 0]))
    check(icon(png(deep, GREY, 16, key), 16), np.where(deep == deep[3, 5], 255.0, eight_bits(deep, 16)))


@pytest.mark.parametrize("opaque", [0, 255])
def test_a_bitmap_in_an_icon_whose_alpha_is_0_everywhere_has_none(opaque: int) -> None:
    samples = draw(4, 8)
    samples[..., 3] = opaque
    head = struct.pack("<IiiHHIIiiII", 40, SIDE, 2 * SIDE, 1, 32, 0, 0, 0, 0, 0, 0)
    mask = bytes(4 * SIDE)
    content = head + samples[::-1][..., [2, 1, 0, 3]].astype(np.uint8).tobytes() + mask
    check(icon(content, 32), samples[..., :3].astype(np.float64))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "MPO"])
def test_of_several_images_the_first_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (SIDE, SIDE), shade) for shade in ((200, 0, 0), (0, 200, 0))]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    check(buffer.getvalue(), np.broadcast_to([200.0, 0, 0], (SIDE, SIDE, 3)), room=6)


@pytest.mark.parametrize("mode", sorted({*Image.MODES} - {"LAB"}))
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_of_pillow_has_a_place_in_the_rule(mode: str, channels: int) -> None:
    image = Image.new(mode, (20, 12))
    assert pixels(image, SIDE, channels).shape == (SIDE, SIDE, channels)


def test_lab_is_refused() -> None:
    with pytest.raises(UnsupportedPixelsError, match="LAB"):
        pixels(Image.new("LAB", (4, 4)), SIDE, 3)


def test_an_image_that_pillow_has_loaded_already_is_refused_where_that_lost_its_transparent_colour() -> None:
    image = Image.open(io.BytesIO(png(draw(1, 16), GREY, 16, b"\0\7")))
    image.load()
    with pytest.raises(ValueError, match="not loaded yet"):
        pixels(image, SIDE, 1)


def test_what_fits_is_left_as_it_is() -> None:
    samples = draw(3, 8).astype(np.uint8)
    assert (fit(Image.fromarray(samples), SIDE, 3) == samples).all()
