"""The data set `digits`: 1,797 handwritten digits of 8x8 pixels.

Inside the scikit-learn wheel: always there, no network. Source: E. Alpaydin, C. Kaynak (1998), Optical Recognition of
Handwritten Digits, UCI Machine Learning Repository.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ....errors import DataError
from .arrays import ArrayPixels
from .base import SOURCES, DataSource, Images, Progress, stamp


@SOURCES.register("digits")
def digits(data_root: Path) -> DataSource:
    """Locate the digits of scikit-learn.

    `data_root` is not used.

    Raises:
        DataError: scikit-learn is not installed.
    """
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise DataError("data: digits comes with scikit-learn, which is not installed; try `pip install scikit-learn`")
    table = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
    return DataSource("digits", (stamp(table),), _read)


def _read(progress: Progress) -> Images:
    from sklearn.datasets import load_digits  # here, because it takes a second that a packed data set need not wait

    flat, target = load_digits(return_X_y=True)  # float [1797, 64], counts of ink in 0..16; int [1797]
    pixels = np.rint(np.asarray(flat) * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    labels = np.asarray(target).astype(np.int64)
    return Images(tuple("0123456789"), labels, np.full(len(labels), "train"), ArrayPixels(pixels))
