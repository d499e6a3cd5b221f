"""Limits on the memory and time that opening an image file takes.

A file may ask for more than the pixels that its header states are worth.

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
# of a JPEG up to its pixels; EXIF, XMP and colour profiles of a photo take some dozen
SEGMENTS = 5_000
COMMENTS = 1_000  # of a PNM in plain text, each of which costs a copy of a MiB
TAGS, TAG_VALUES = 4_096, 200_000  # of a TIFF; the second is one tile per 16 x 16 of the most pixels that are read
# cameras write at most 64 KiB in a JPEG, whose segments hold no more; a PNG could hold gigabytes
EXIF_BYTES = 2**20
# favicon tools write about ten sizes; Pillow sorts them all as it opens the file
ICONS = 256  # images in one file

_PNG, _ICO, _JPEG = b"\x89PNG\r\n\x1a\n", b"\0\0\1\0", b"\xff\xd8\xff"
_PLAIN_PNM = (b"P1", b"P2", b"P3")
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # of JPEG, with those that stand alone among the pixels left out
_SOI, _SOS, _EOI = 0xD8, 0xDA, 0xD9
_CORE_HEADER = 12  # bytes of OS/2's header of a bitmap
_BYTE_TYPES = (1, 2, 6, 7)  # of TIFF: their values are kept as they are, all others become objects


class Source(io.BytesIO):
    """The bytes of an image file, with bounded reads.

    Pillow reads in pieces: few while it opens a file, none once nobody waits.

    Args:
        content: the file.
        waiting: whether anybody still waits for the image; asked at every piece, on the thread that reads.
    """

    def __init__(self, content: bytes, waiting: Callable[[], bool]) -> None:
        super().__init__(content)
        self._waiting = waiting
        self.reads_left = OPENING_READS

    def opened(self, kind: str | None) -> None:
        """Raise the limit for decoding: a read per 64 bytes.

        The readers of `kind` PPM and BMP take some images pixel by pixel, so they have none.
        """
        self.reads_left = sys.maxsize if kind in ("PPM", "BMP") else OPENING_READS + len(self.getbuffer()) // 64

    def read(self, size: int | None = -1, /) -> bytes:
        """Read the next `size` bytes.

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
    """Refuse files of more or larger pieces than any program writes.

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
    """Return width and height of the icon that Pillow decodes on opening.

    None where `content` is no icon.

    Raises:
        ValueError, struct.error, IndexError: it has too many images, none, or ends too soon.
    """
    if not content.startswith(_ICO):
        return None
    if struct.unpack_from("<H", content, 4)[0] > ICONS:
        raise ValueError(f"more than {ICONS} images in an icon")
    offset = IcoFile(io.BytesIO(content)).entry[0].offset
    if content.startswith(_PNG, offset):
        width, height = struct.unpack_from(">II", content, offset + 16)
        return width, height
    (header,) = struct.unpack_from("<I", content, offset)
    width, height = struct.unpack_from("<HH" if header == _CORE_HEADER else "<ii", content, offset + 4)
    return abs(width), abs(height) // 2  # the height is that of the pixels and of their mask


def _check_scans(content: bytes) -> None:
    """Count the scans of a JPEG by its markers.

    Those in a thumbnail, or behind the image, are not counted.
    """
    scans, offset = 0, 0
    for _ in range(SEGMENTS):
        marker = _MARKER.search(content, offset)
        if marker is None or marker[1][0] == _EOI:
            return
        scans += marker[1][0] == _SOS
        if scans > SCANS:
            raise ValueError(f"more than {SCANS} scans")
        offset = marker.end()
        if marker[1][0] != _SOI:
            # skips the segment by its stated length, so that bytes in a thumbnail are no markers
            offset += struct.unpack_from(">H", content, offset)[0]
    raise ValueError(f"more than {SEGMENTS} segments")


def _check_exif_chunks(content: bytes) -> None:
    """Refuse a PNG with too large an EXIF chunk.

    Chunks may also come behind the pixels, where they are read all the same.
    """
    offset = content.find(b"eXIf")
    while offset >= 4:
        if struct.unpack_from(">I", content, offset - 4)[0] > EXIF_BYTES:
            raise ValueError(f"more than {EXIF_BYTES // 2**20} MiB of EXIF")
        offset = content.find(b"eXIf", offset + 4)


def _check_tags(content: bytes) -> None:
    """Refuse a TIFF or BigTIFF whose first image has too many tags.

    The layout is that of the TIFF specification, version 6, section 2.
    """
    order, big = "<>"[content[0] == ord("M")], 43 in content[2:4]
    # struct formats: of the offset of the first directory, of the number of its tags, and of a tag
    first, count, entry = ("8xQ", "Q", "HHQ8x") if big else ("4xI", "H", "HHI4x")
    (offset,) = struct.unpack_from(order + first, content)
    (tags,) = struct.unpack_from(order + count, content, offset)
    if tags > TAGS:
        raise ValueError(f"more than {TAGS} tags")
    size, offset = struct.calcsize(order + entry), offset + struct.calcsize(order + count)
    for number in range(tags):
        _, kind, values = struct.unpack_from(order + entry, content, offset + number * size)
        if kind not in _BYTE_TYPES and values > TAG_VALUES:
            raise ValueError(f"a tag of more than {TAG_VALUES} values")
