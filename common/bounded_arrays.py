"""Bounded reading of NumPy archives from elsewhere."""

import errno
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bounded import UnfitFileError, read_bytes


def read_npz(path: Path, most: int) -> dict[str, NDArray[Any]]:
    """Return the arrays in `path` by name.

    Neither the file nor what it stands for may have more than `most` bytes.

    Raises:
        UnfitFileError, OSError: as `bounded.read_bytes`.
        ValueError, KeyError, EOFError, zipfile.BadZipFile: it is no such file, or damaged.
    """
    with zipfile.ZipFile(io.BytesIO(read_bytes(path, most))) as archive:
        # of the directory of the archive: zipfile stops each member at the size that is stated there
        size = sum(member.file_size for member in archive.infolist())
        if size > most:
            raise UnfitFileError(errno.EFBIG, f"must stand for at most {most:,} bytes, it does for {size:,}", str(path))
        try:
            return {name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()}
        except MemoryError as error:
            # the header of an array states its shape, and NumPy allocates it before it reads the values
            raise ValueError("an array in it says that it is larger than memory") from error


def _array(content: bytes) -> NDArray[Any]:
    array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)  # a pickle would run code
    return array
