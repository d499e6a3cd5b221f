"""Reading arrays from a file of NumPy that somebody else made: no more than a stated size, packed or not."""

import errno
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bounded import UnfitFileError, read_bytes


def read_npz(path: Path, most: int) -> dict[str, NDArray[Any]]:
    """The arrays in `path` by name; neither the file nor what it stands for may have more than `most` bytes.

    Raises:
        UnfitFileError, OSError: as `bounded.read_bytes`.
        ValueError, KeyError, EOFError, zipfile.BadZipFile: it is no such file, or damaged.
    """
    with zipfile.ZipFile(io.BytesIO(read_bytes(path, most))) as packed:
        size = sum(member.file_size for member in packed.infolist())
        if size > most:
            raise UnfitFileError(errno.EFBIG, f"must stand for at most {most:,} bytes, it does for {size:,}", str(path))
        try:
            return {name.removesuffix(".npy"): _array(packed.read(name)) for name in packed.namelist()}
        except MemoryError as error:
            raise ValueError("an array in it says that it is larger than memory") from error


def _array(content: bytes) -> NDArray[Any]:
    array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    return array
