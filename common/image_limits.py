"""What keeps an image file from taking memory or time out of all proportion to the pixels that its header states.

Pillow's readers are lazy, but each goes through a file up to its pixels, and some through more: a file can be made of
a million pieces. Sizes and times here were measured with Pillow 13 on files made for the purpose.
"""

import io
import re
import struct
import sys
from collections.abc import Callable

from PIL.IcoImagePlugin import IcoFile

SHORT = 2**14  # bytes; a file of no more has few pieces, whatever it holds
OPENING_READS = 5_000  # a photo takes some dozen, a GIF with XMP a thousand; a million take seconds
SCANS = 64  # of a JPEG, each of which goes over the whole image; encoders write about ten
SEGMENTS = 5_000
COMMENTS = 1_000  # of a PNM in plain text, each of which costs a copy of a MiB
TAGS, TAG_VALUES = 4_096, 200_000  # of a TIFF; the second is one tile per 16 x 16 of the most pixels that are read
EXIF_BYTES = 2**20
ICONS = 256  # images in one file

_PNG, _ICO, _JPEG = b"\x89PNG\r\n\x1a\n", b"\0\0\1\0", b"\xff\xd8\xff"
_PLAIN_PNM = (b"P1", b"P2", b"P3")
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # of JPEG, with those that stand alone among the pixels left out
_SOI, _SOS, _EOI = 0xD8, 0xDA, 0xD9
_CORE_HEADER = 12  # bytes of OS/2's header of a bitmap
_BYTE_TYPES = (1, 2, 6, 7)  # of TIFF: their values are kept as they are, all others become objects


class Source(io.BytesIO):
    """The bytes of an image file, which Pillow reads in pieces: few while it opens it, none once nobody waits.

    Args:
        content: the file.
        waiting: whether anybody still waits for the image; asked at every piece, on the thread that reads.
    """

    def __init__(self, content: bytes, waiting: Callable[[], bool]) -> None:
        super().__init__(content)
        self._waiting = waiting
        self.reads_left = OPENING_READS

    def opened(self, kind: str | None) -> None:
        """Allow pieces of 64 bytes from now on; the readers of `kind` PPM and BMP take some pixel by pixel."""
        self.reads_left = sys.maxsize if kind in ("PPM", "BMP") else OPENING_READS + len(self.getbuffer()) // 64

    def read(self, size: int | None = -1, /) -> bytes:
        """The next `size` bytes.

        Raises:
            ValueError: it has too many, or nobody waits.
        """
        self.reads_left -= 1
        if self.reads_left < 0:
            raise ValueError("it is in too many pieces")
        if not self._waiting():
            raise ValueError("nobody waits for it")
        return super().read(size)


def check_pieces(content: bytes) -> None:
    """Refuse files made of more pieces, or larger ones, than any program writes.

    Raises:
        ValueError: the message says of what there is too much.
        struct.error: the file ends too soon.
    """
    if content.startswith(_JPEG) and content.count(b"\xff\xda") > SCANS:
        _check_scans(content)
    elif content.startswith(_PNG):
        _check_exif_chunks(content)
    elif content.startswith(_PLAIN_PNM) and content.count(b"#") > COMMENTS:
        raise ValueError(f"more than {COMMENTS} comments")
    elif content.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        _check_tags(content)


def icon_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of the image in an icon that Pillow decodes as it opens it; None where `content` is no icon.

    Raises:
        ValueError, struct.error, IndexError: it has too many images, none, or ends too soon.
    """
    if not content.startswith(_ICO):
        return None
    if struct.unpack_from("<H", content, 4)[0] > ICONS:
        raise ValueError(f"more than {ICONS} images in an icon")
    place = IcoFile(io.BytesIO(content)).entry[0].offset
    if content.startswith(_PNG, place):
        width, height = struct.unpack_from(">II", content, place + 16)
        return width, height
    (header,) = struct.unpack_from("<I", content, place)
    width, height = struct.unpack_from("<HH" if header == _CORE_HEADER else "<ii", content, place + 4)
    return abs(width), abs(height) // 2  # the height is that of the pixels and of their mask


def _check_scans(content: bytes) -> None:
    """Follow the markers; what stands in a thumbnail, or behind the image, is none of them."""
    scans, place = 0, 0
    for _ in range(SEGMENTS):
        found = _MARKER.search(content, place)
        if found is None or found[1][0] == _EOI:
            return
        scans += found[1][0] == _SOS
        if scans > SCANS:
            raise ValueError(f"more than {SCANS} scans")
        place = found.end()
        if found[1][0] != _SOI:
            place += struct.unpack_from(">H", content, place)[0]
    raise ValueError(f"more than {SEGMENTS} segments")


def _check_exif_chunks(content: bytes) -> None:
    """Those of a PNG may also come behind its pixels, where they are read all the same."""
    place = content.find(b"eXIf")
    while place >= 4:
        if struct.unpack_from(">I", content, place - 4)[0] > EXIF_BYTES:
            raise ValueError(f"more than {EXIF_BYTES // 2**20} MiB of EXIF")
        place = content.find(b"eXIf", place + 4)


def _check_tags(content: bytes) -> None:
    """The tags of the first image of a TIFF or BigTIFF (its specification, version 6, section 2)."""
    order, big = "<>"[content[0] == ord("M")], 43 in content[2:4]
    first, count, entry = ("8xQ", "Q", "HHQ8x") if big else ("4xI", "H", "HHI4x")
    (place,) = struct.unpack_from(order + first, content)
    (tags,) = struct.unpack_from(order + count, content, place)
    if tags > TAGS:
        raise ValueError(f"more than {TAGS} tags")
    size, place = struct.calcsize(order + entry), place + struct.calcsize(order + count)
    for number in range(tags):
        _, kind, values = struct.unpack_from(order + entry, content, place + number * size)
        if kind not in _BYTE_TYPES and values > TAG_VALUES:
            raise ValueError(f"a tag of more than {TAG_VALUES} values")
