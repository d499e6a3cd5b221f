"""Which files are images, by their ending or else their first bytes.

Whatever else lies beside images (annotations, tables, notes, arrays, archives, films) is left out and counted. A file
that is an image by its name and cannot be read as one is damaged, which is another matter.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ....common.bounded import IMAGE_BYTES, UnfitFileError, open_regular
from .base import listed
from .walk import files_below, identity_of

_READ = (  # endings of the formats in common/decode.py
    ".png .apng .jpg .jpeg .jpe .jfif .gif .bmp .dib .tif .tiff .webp .pnm .pbm .pgm .ppm .tga .icb .vda .vst .ico .jp2"
    " .j2k .j2c .jpc .jpf .jpx .avif .avifs .pcx"
)
_NOT_READ = (  # whoever has such images shall hear that they are not read
    ".heic .heif .hif .jxl .psd .svg .exr .hdr .dcm .dng .cr2 .cr3 .nef .arw .raf .orf .rw2"
)
SUFFIXES = frozenset(f"{_READ} {_NOT_READ}".split())

_LONGEST_START = 16  # bytes
_START = re.compile(  # of PNG, JPEG, GIF, BMP, TIFF, WebP, PPM and its kin, icons, JPEG 2000, AVIF and HEIC
    rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|BM.{4}\x00{4}|II[*+]\x00|MM\x00[*+]|RIFF.{4}WEBP|P[1-6]\s[\d#\s]"
    rb"|\x00\x00\x01\x00[^\x00]\x00|\x00{3}\x0cjP  |\xff\x4f\xff\x51|.{4}ftyp(?:avi[fs]|hei[cfmsx]|hev[cx]|mif1|msf1)",
    re.DOTALL,
)


def is_image(path: Path) -> bool:
    """Whether the file `path` is meant as an image, sound or damaged."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with open_regular(path, IMAGE_BYTES) as file:
            return _START.match(file.read(_LONGEST_START)) is not None
    except UnfitFileError:
        return False
    except OSError:
        return not path.suffix  # no ending says what it is; the decoder says why it cannot be read


def holds_images(folder: Path, root: Path) -> bool:
    """Whether an image lies in `folder` at any depth.

    It is a folder in `root`."""
    return any(is_image(path) for path, _ in files_below(folder, (identity_of(root),)))


def left_out_note(endings: Counter[str]) -> Iterator[str]:
    """Yield a sentence on files that are no images.

    How many with which ending ("" for none).
    """
    if count := endings.total():
        files = "file that is not an image was" if count == 1 else "files that are not images were"
        common = sorted(endings.items(), key=lambda entry: (-entry[1], entry[0]))
        kinds = [f"{ending or 'without an ending'} ({number:,})" for ending, number in common]
        yield f"{count:,} {files} left out: {listed(kinds)}"
