"""Files made of a million pieces, or of one too large, are refused before they take time; odd honest ones are read."""

import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hpo.common.decode import TooLargeImageError, UnreadableImageError, decode, open_image
from PIL import Image

from .test_decode import encoded

pytestmark = pytest.mark.filterwarnings("ignore")
PIECES = 100_000
GREY = Image.new("L", (8, 8), 128)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(before: bytes = b"", after: bytes = b"") -> bytes:
    """A grey PNG with chunks before and after its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + b"\x80" * 8) * 8))
    return b"\x89PNG\r\n\x1a\n" + header + before + pixels + after + chunk(b"IEND", b"")


def gif(more: bytes) -> bytes:
    content = encoded(GREY, "GIF")
    place = content.index(b",", 13)
    return content[:place] + more + content[place:]


def jpeg(more: bytes) -> bytes:
    content = encoded(GREY, "JPEG")
    return content[:20] + more + content[20:]


def jpeg_of_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes `count` times."""
    content = encoded(Image.new("L", (64, 64)), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * count + content[-2:]


def tiff(tag: int, kind: int, count: int) -> bytes:
    """A grey TIFF with one tag of so many zeros, or in place of one."""
    entries = {256: (3, 1, 8), 257: (3, 1, 8), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 200)}
    entries |= {277: (3, 1, 1), 278: (3, 1, 8), 279: (4, 1, 64), tag: (kind, count, 200)}
    packed = b"".join(struct.pack("<HHII", name, *entry) for name, entry in sorted(entries.items()))
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + bytes(4)
    return head.ljust(200, b"\0") + b"\x80" * 64 + bytes(8 * count)


def icon(inside: bytes) -> bytes:
    return struct.pack("<HHH4B2H2I", 0, 1, 1, 16, 16, 0, 0, 1, 1, len(inside), 22) + inside


def dib(width: int, height: int) -> bytes:
    return struct.pack("<IiiHHIIiiII", 40, width, 2 * height, 1, 1, 0, 0, 0, 0, 2, 0) + bytes(1000)


RATIONALS = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 0x0112, 5, 2**18, 26, 0) + struct.pack("<II", 1, 1) * 2**18
BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG of empty chunks": lambda: png(chunk(b"prVt", b"") * PIECES),
    "PNG with empty chunks behind its pixels": lambda: png(after=chunk(b"prVt", b"") * PIECES),
    "PNG whose orientation is a million numbers": lambda: png(chunk(b"eXIf", RATIONALS)),
    "the same behind its pixels": lambda: png(after=chunk(b"eXIf", RATIONALS)),
    "GIF with a long comment": lambda: gif(b"!\xfe" + b"\x01a" * PIECES + b"\0"),
    "GIF with junk": lambda: gif(b"\x01" * PIECES),
    "JPEG with junk": lambda: jpeg(b"\x01" * PIECES),
    "JPEG with fill bytes": lambda: jpeg(b"\xff" * PIECES),
    "JPEG of empty segments": lambda: jpeg(b"\xff\xfe\0\2" * PIECES),
    "JPEG of scans": lambda: jpeg_of_scans(2000),
    "PGM with a long comment": lambda: b"P5\n#" + b"a" * PIECES + b"\n8 8 255\n" + bytes(64),
    "PGM in text of comments": lambda: b"P2\n8 8 255\n" + b"#\n" * PIECES + b"1 " * 64,
    "TIFF with a million strips": lambda: tiff(273, 4, 2**18),
    "TIFF with a million fractions": lambda: tiff(700, 5, 2**18),
    "TIFF with a million depths": lambda: tiff(258, 3, 2**18),
    "BigTIFF of tags": lambda: struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, PIECES) + bytes(20 * PIECES),
    "JPEG 2000 of comments": lambda: (
        (content := encoded(GREY, "JPEG2000", no_jp2=True))[:47] + b"\xff\x64\0\2" * PIECES + content[47:]
    ),
    "icon of empty images": lambda: struct.pack("<HHH", 0, 1, 65535) + bytes(16 * 65535),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_of_too_many_pieces_is_refused_at_once(name: str) -> None:
    content = BOMBS[name]()
    start = time.thread_time()
    with pytest.raises(UnreadableImageError):
        decode(content, 8, 3)
    assert time.thread_time() - start < 1  # of this thread's own computing, whatever else the machine does


@pytest.mark.parametrize(
    "inside",
    [encoded(Image.new("1", (13_000, 13_000))), dib(13_000, 13_000), struct.pack("<IHHHH", 12, 9000, 9000, 1, 1)],
    ids=["PNG", "bitmap", "bitmap of OS/2"],
)
def test_an_icon_is_measured_before_it_is_decoded(inside: bytes) -> None:
    start = time.thread_time()
    with pytest.raises(TooLargeImageError, match=r"13000x13000|9000x4500"):
        open_image(icon(inside))
    assert time.thread_time() - start < 0.5


def test_an_icon_is_no_image_where_icons_are_not_read() -> None:
    with pytest.raises(UnreadableImageError, match="no image format"):
        open_image(icon(encoded(Image.new("1", (13_000, 13_000)))), ["PNG"])


HONEST: dict[str, Callable[[], bytes]] = {
    "JPEG with a film behind it": lambda: encoded(GREY, "JPEG") + b"\xff\xda\0\2" * 1000,
    "JPEG with a profile that looks like scans": lambda: jpeg(b"\xff\xe2\x10\0" + b"\xff\xda" * 2047),
    "progressive JPEG": lambda: encoded(GREY.convert("RGB"), "JPEG", progressive=True),
    "PNG": png,
    "GIF with XMP": lambda: gif(b"!\xff\x0bXMP DataXMP" + b"\x40".join([b"", *[b"a" * 64] * 500]) + b"\0"),
    "icon": lambda: encoded(GREY, "ICO", sizes=[(8, 8)]),
    "icon of a bitmap": lambda: encoded(GREY.resize((32, 32)), "ICO", sizes=[(32, 32)], bitmap_format="bmp"),
    "PGM of 16 bits that is not full": lambda: b"P5\n200 200 1023\n" + b"\2\0" * 40_000,
    "BMP in runs": lambda: encoded(GREY, "BMP"),
    "TIFF of tiny strips": lambda: encoded(GREY.resize((8, 5000)), "TIFF", strip_size=8),
    "BigTIFF": lambda: encoded(GREY, "TIFF", big_tiff=True),
    "TIFF the other way round": lambda: encoded(Image.fromarray(np.full((8, 8), 0x8080, ">u2")), "TIFF"),
    "PNM in text": lambda: b"P2\n# a comment\n8 8 255\n" + b"128 " * 64,
}


@pytest.mark.parametrize("name", HONEST)
def test_what_programs_write_is_read(name: str) -> None:
    assert abs(int(decode(HONEST[name](), 8, 1).mean()) - 128) < 2


def test_a_png_in_small_pieces_is_read() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300), np.uint8)
    packed = zlib.compress(np.pad(noise, ((0, 0), (1, 0))).tobytes())
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 300, 300, 8, 0, 0, 0, 0))
    pieces = b"".join(chunk(b"IDAT", packed[start : start + 200]) for start in range(0, len(packed), 200))
    content = b"\x89PNG\r\n\x1a\n" + header + pieces + chunk(b"IEND", b"")
    assert (decode(content, 300, 1)[..., 0] == noise).all()


def test_reading_ends_when_nobody_waits() -> None:
    noise = encoded(Image.effect_noise((2000, 2000), 100))
    answers = iter([True] * 20)
    with pytest.raises(UnreadableImageError, match="nobody waits for it"):
        open_image(noise, waiting=lambda: False)
    image = open_image(noise, waiting=lambda: next(answers, False))
    with pytest.raises(ValueError, match="nobody waits for it"):
        image.load()
