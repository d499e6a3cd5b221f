"""The data set `cifar10`: 60,000 colour pictures of 32x32.

Of ten classes. Source: A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images, chapter 3. The
files are pickles; they are read by an unpickler that can build arrays and nothing else.
"""

import io
import pickle
import tarfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....common.bounded import ARCHIVE_BYTES, read_bytes, read_gzip
from ....errors import DataError
from .arrays import train_and_test
from .base import SOURCES, DataSource, Images, Progress, stamp
from .download import download_into, missing

FOLDER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"
BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]

_ARRAY_PARTS: dict[str, Any] = {"_reconstruct": np.empty(0).__reduce__()[0], "ndarray": np.ndarray, "dtype": np.dtype}


@SOURCES.register("cifar10")
def cifar10(data_root: Path) -> DataSource:
    """Locate CIFAR-10 in the data root, or download it.

    torchvision's folder, or the archive as published.

    Raises:
        DataError: it is in neither.
    """
    data_source = _on_disk(data_root)
    if data_source is None:
        reason = download_into(data_root, "CIFAR10")
        data_source = _on_disk(data_root)
        if data_source is None:
            raise missing("cifar10", f"{FOLDER}/ or {ARCHIVE}", (data_root,), reason)
    return data_source


def _on_disk(root: Path) -> DataSource | None:
    for folder in (root / FOLDER, root):
        files = tuple(folder / batch for batch in BATCHES)
        if all(file.is_file() for file in files):
            return DataSource("cifar10", tuple(stamp(file) for file in files), partial(_read_files, files))
    archive = root / ARCHIVE
    return DataSource("cifar10", (stamp(archive),), partial(_read_archive, archive)) if archive.is_file() else None


def _read_files(files: tuple[Path, ...], progress: Progress) -> Images:
    return _images([_batch(read_bytes(file, ARCHIVE_BYTES), str(file)) for file in files])


def _read_archive(archive: Path, progress: Progress) -> Images:
    try:
        contents = _members(archive)
        return _images([_batch(contents[f"{FOLDER}/{batch}"], f"{archive}:{batch}") for batch in BATCHES])
    except (OSError, EOFError, KeyError, tarfile.TarError, zlib.error) as error:
        raise DataError(
            f"{archive}: not the whole archive: {error}\n  remove it to have it looked for again"
        ) from error


def _members(archive: Path) -> dict[str, bytes]:
    """Return the batches in the archive, by name.

    Nothing is unpacked onto the disk, and no link in it is followed.
    """
    with tarfile.open(fileobj=io.BytesIO(read_gzip(archive, ARCHIVE_BYTES))) as tar:
        members = {member.name: member for member in tar if member.isreg()}
        files = {f"{FOLDER}/{batch}": tar.extractfile(members[f"{FOLDER}/{batch}"]) for batch in BATCHES}
        return {name: file.read() for name, file in files.items() if file}


def _images(batches: list[Batch]) -> Images:
    *train, test = batches
    images = np.concatenate([images for images, _ in train])
    labels = np.concatenate([labels for _, labels in train])
    return train_and_test(CLASSES, (images, labels), test)


def _batch(content: bytes, origin: str) -> Batch:
    """Return images uint8 [N, 32, 32, 3] and labels int64 [N] of a batch file."""
    try:
        batch = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
        pixels = np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32)  # stored plane by plane: [N, 3, 32, 32]
        labels = np.asarray(batch[b"labels"], np.int64)
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(f"{origin}: not a CIFAR-10 batch: {error}\n  remove it to have it looked for again") from error
    if labels.shape != (len(pixels),) or labels.min(initial=0) < 0 or labels.max(initial=0) >= len(CLASSES):
        raise DataError(f"{origin}: {len(pixels)} images and labels {labels.shape} from 0 to {labels.max(initial=0)}")
    return pixels.transpose(0, 2, 3, 1), labels


class _ArraysOnly(pickle.Unpickler):
    """An unpickler of plain containers and NumPy arrays.

    Any other global is refused before it is imported: a pickle could run any code.
    """

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in _ARRAY_PARTS:
            return _ARRAY_PARTS[name]
        if (module, name) == ("_codecs", "encode"):
            return lambda text, encoding: str(text).encode("latin1")
        raise pickle.UnpicklingError(f"it wants {module}.{name}, which no array needs")
