"""The data sets `mnist` and `fashion_mnist`, in the idx format.

Four files, gzipped or not.

Sources: Y. LeCun et al. (1998), the MNIST database, whose page specifies the idx format; Xiao, Rasul, Vollgraf
(2017), Fashion-MNIST, arXiv:1708.07747.
"""

import zlib
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....common.bounded import ARCHIVE_BYTES, UnfitFileError, read_bytes, read_gzip
from ....errors import DataError
from .arrays import train_and_test
from .base import SOURCES, DataSource, Images, Progress, stamp
from .download import download_into, missing

STEMS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
DEBIAN = Path("/usr/share/datasets/fashion-mnist")

_FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


@SOURCES.register("fashion_mnist")
def fashion_mnist(data_root: Path) -> DataSource:
    """Locate Fashion-MNIST: 70,000 grey pictures of clothes, 28x28.

    In the data root, Debian's package or a download.

    Raises:
        DataError: it is in none of the three.
    """
    return _find("fashion_mnist", "FashionMNIST", _FASHION, data_root, (DEBIAN,))


@SOURCES.register("mnist")
def mnist(data_root: Path) -> DataSource:
    """Locate MNIST: 70,000 handwritten digits, 28x28.

    In the data root or a download.

    Raises:
        DataError: it is in neither.
    """
    return _find("mnist", "MNIST", tuple("0123456789"), data_root, ())


def _find(
    name: str, torchvision_name: str, classes: tuple[str, ...], root: Path, elsewhere: tuple[Path, ...]
) -> DataSource:
    folders = (*_places(root, name, torchvision_name), *elsewhere)
    files = _first_complete(folders)
    if files is None:
        reason = download_into(root, torchvision_name)
        files = _first_complete(folders)
        if files is None:
            raise missing(name, f"the four files {STEMS[0]}[.gz] and so on", folders, reason)
    return DataSource(name, tuple(stamp(file) for file in files), partial(_read, files, classes))


def _places(root: Path, name: str, torchvision_name: str) -> tuple[Path, ...]:
    """Return where the files may lie.

    torchvision's layout, or a folder of that name, which may be the root itself.
    """
    names = (torchvision_name, name, name.replace("_", "-"))
    inside = [root / torchvision_name / "raw", *(root / folder for folder in dict.fromkeys(names))]
    return (*inside, root) if root.name in names else tuple(inside)


def _first_complete(folders: tuple[Path, ...]) -> tuple[Path, ...] | None:
    for folder in folders:
        files = [next(filter(Path.is_file, (folder / stem, folder / f"{stem}.gz")), None) for stem in STEMS]
        if all(files):
            return tuple(file for file in files if file)
    return None


def _read(files: tuple[Path, ...], classes: tuple[str, ...], progress: Progress) -> Images:
    images, labels, test_images, test_labels = (_array(file) for file in files)
    for file, pictures, targets in ((files[0], images, labels), (files[2], test_images, test_labels)):
        if pictures.ndim != 3 or targets.shape != pictures.shape[:1] or targets.max(initial=0) >= len(classes):
            raise DataError(
                f"{file}: its images {pictures.shape} and its labels {targets.shape} do not belong together"
            )
    if images.shape[1:] != test_images.shape[1:]:
        raise DataError(f"{files[2]}: images of {test_images.shape[1:]}, but those to train on are {images.shape[1:]}")
    train = images[..., None], labels.astype(np.int64)
    return train_and_test(classes, train, (test_images[..., None], test_labels.astype(np.int64)))


def _array(path: Path) -> NDArray[np.uint8]:
    """Return the unsigned bytes of an idx file as an array.

    Two zeros, type 8, rank, then each dimension as four big-endian bytes.
    """
    try:
        content = (read_gzip if path.suffix == ".gz" else read_bytes)(path, ARCHIVE_BYTES)
    except UnfitFileError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not a whole gzip file: {error}\n  remove it to have it looked for again") from error
    if content[:3] != b"\0\0\x08" or len(content) < 4:
        raise DataError(f"{path}: not an idx file of unsigned bytes\n  remove it to have it looked for again")
    start = 4 + 4 * content[3]
    shape = tuple(np.frombuffer(content[4:start], ">u4").astype(int).tolist())
    if len(content) - start != int(np.prod(shape)):
        raise DataError(
            f"{path}: its header says {shape}, but {len(content) - start} bytes follow\n  it is cut short; remove it"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
