"""Awkward images, each made here: every one becomes uint8 pixels of the asked shape or a reason, never a surprise."""

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hpo.common.decode import (
    Header,
    TooLargeImageError,
    UnknownFormatError,
    UnreadableImageError,
    decode,
    header,
    open_image,
)
from hpo.common.preprocess import fit
from PIL import Image, PngImagePlugin

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow warns about the odd files that are the point here


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """The first 33 bytes of a PNG that claims to have these dimensions."""
    content = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + content + struct.pack(">I", zlib.crc32(content))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("1", "PNG"),
        ("L", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("RGB", "PNG"),
        ("RGBA", "PNG"),
        ("CMYK", "JPEG"),
        ("RGB", "WEBP"),
        ("RGB", "BMP"),
        ("I;16", "PNG"),
        ("I", "TIFF"),
        ("F", "TIFF"),
        ("YCbCr", "JPEG"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_white_where_it_is_white(mode: str, kind: str, channels: int) -> None:
    top = {"I;16": 65535, "I": 65535, "F": 1.0}.get(mode)
    white = Image.new(mode, (12, 9), top) if top else Image.new("RGB", (12, 9), "white").convert(mode)
    pixels = decode(encoded(white, kind), 6, channels)
    assert pixels.shape == (6, 6, channels)
    assert pixels.dtype == np.uint8
    assert pixels.min() >= 254


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 65535], [257, 32896]], np.uint16), [[0, 255], [1, 128]]),
        (np.array([[0.0, 1.0], [0.5, 0.25]], np.float32), [[0, 255], [128, 64]]),
        (np.array([[0.0, 200.0], [10.0, 255.0]], np.float32), [[0, 200], [10, 255]]),
        (np.array([[-1.0, 1.0], [0.0, np.nan]], np.float32), [[0, 255], [128, 128]]),
        (np.array([[0, 255], [3, 4]], np.int32), [[0, 255], [3, 4]]),
        (np.array([[0, 65535], [257, 514]], np.int32), [[0, 255], [1, 2]]),
    ],
)
def test_deep_numbers_are_scaled_by_their_range(array: np.ndarray, expected: list[list[int]]) -> None:
    assert decode(encoded(Image.fromarray(array), "TIFF"), 2, 1)[..., 0].tolist() == expected


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert decode(encoded(clear), 4, 3).min() == 255
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([0, 0, 0, 200, 10, 10])
    assert decode(encoded(palette, transparency=0), 4, 3).min() == 255


def test_grey_in_colour_is_grey() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    grey = Image.fromarray(values)
    assert (decode(encoded(grey), 16, 3) == values[..., None]).all()
    assert (decode(encoded(grey.convert("RGB")), 16, 1)[..., 0] == values).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation: int) -> None:
    upright = Image.fromarray(np.kron(np.arange(4, dtype=np.uint8).reshape(2, 2) * 60, np.ones((8, 8), np.uint8)))
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(upright if stored is None else upright.transpose(stored), exif=exif)
    assert (decode(content, 16, 1)[..., 0] == np.asarray(upright)).all()


def test_damaged_exif_does_not_cost_the_image() -> None:
    content = encoded(Image.new("RGB", (8, 8), "red"), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff garbage")
    assert decode(content, 8, 3).shape == (8, 8, 3)


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("L", (8, 8), shade) for shade in (10, 200)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert set(decode(content, 8, 1).ravel().tolist()) == {10}


def test_the_centre_square_is_kept() -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    assert decode(encoded(Image.fromarray(wide)), 10, 3).min() == 255


def test_shrinking_is_antialiased() -> None:
    checks = Image.fromarray((np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8))
    pixels = fit(checks, 8, 1).astype(int)
    assert np.abs(pixels - 127).max() < 12


def test_a_large_jpeg_decoded_at_a_fraction_stays_close_to_the_whole() -> None:
    ramp = np.add.outer(np.arange(600), np.arange(800)) % 512
    image = Image.fromarray(np.minimum(ramp, 511 - ramp).astype(np.uint8))
    content = encoded(image, "JPEG", quality=95)
    whole = fit(Image.open(io.BytesIO(content)), 32, 1).astype(int)
    assert np.abs(decode(content, 32, 1).astype(int) - whole).max() <= 4


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("kept", [0.3, 0.7])
def test_a_file_cut_short_is_refused(kind: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    with pytest.raises(UnreadableImageError):
        decode(content[: int(kept * len(content))], 8, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        (b"../somewhere/else.png\n", "text, not an image"),
        (b"\0\1\2\3" * 50, "no image format"),
    ],
)
def test_what_is_no_image_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        decode(content, 8, 3)


def test_a_bomb_is_refused_from_its_header() -> None:
    with pytest.raises(TooLargeImageError, match="25 megapixels are read, its header says 9000x9000"):
        decode(png_header(9000, 9000) + encoded(Image.new("RGB", (8, 8)))[33:], 8, 3)


def test_pillows_own_bomb_check_becomes_a_reason_too() -> None:
    with pytest.raises(UnreadableImageError):
        decode(png_header(100_000, 100_000) + encoded(Image.new("RGB", (8, 8)))[33:], 8, 3)


def test_a_header_that_lies_is_refused() -> None:
    small = encoded(Image.new("RGB", (8, 8), "red"))
    with pytest.raises(UnreadableImageError, match="cut short"):
        decode(png_header(800, 800) + small[33:], 8, 3)


def test_a_text_bomb_in_a_png_is_refused() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * 70_000_000, zip=True)
    with pytest.raises(UnreadableImageError):
        decode(encoded(Image.new("L", (8, 8)), pnginfo=text), 8, 1)


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_gives_pixels_or_a_reason(seed: int) -> None:
    random = np.random.default_rng(seed)
    noise = Image.fromarray(random.integers(0, 255, (24, 24, 3), dtype=np.uint8))
    kind = ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"][seed % 6]
    content = bytearray(encoded(noise, kind))
    for place in random.integers(0, len(content), 12):
        content[place] = random.integers(0, 256)
    with contextlib.suppress(UnreadableImageError):  # any other exception fails
        assert decode(bytes(content), 8, 3).shape == (8, 8, 3)


def test_a_path_is_read_and_measured(tmp_path: Path) -> None:
    path = tmp_path / "wrong-extension.png"
    path.write_bytes(encoded(Image.new("RGB", (30, 20), "red"), "JPEG"))
    assert header(path) == Header(30, 20, "RGB", "JPEG")
    assert decode(path, 8, 3).shape == (8, 8, 3)


def test_a_format_that_is_not_on_the_list_is_not_read() -> None:
    content = encoded(Image.new("L", (8, 8)), "TIFF")
    assert open_image(content).format == "TIFF"
    with pytest.raises(UnknownFormatError):
        open_image(content, ["PNG", "JPEG"])


def test_an_icon_is_measured_by_the_image_inside() -> None:
    bomb = encoded(Image.new("1", (6000, 5000)))
    icon = struct.pack("<HHH4B2H2I", 0, 1, 1, 16, 16, 0, 0, 1, 1, len(bomb), 22) + bomb
    with pytest.raises(TooLargeImageError, match="6000x5000"):
        decode(icon, 8, 3)


def test_a_tiff_of_samples_that_pillow_does_not_read_is_named() -> None:
    content = encoded(Image.new("L", (8, 8)), "TIFF")
    sixty_four = content.replace(struct.pack("<HHIH", 258, 3, 1, 8), struct.pack("<HHIH", 258, 3, 1, 64))
    with pytest.raises(UnknownFormatError, match="a TIFF with samples that Pillow does not read; save it as"):
        decode(sixty_four, 8, 3)
    with pytest.raises(UnknownFormatError, match="no image format that is read here"):
        open_image(sixty_four, ["PNG"])
