"""The data set `digits`: 1,797 handwritten digits of 8x8 pixels.

Inside the scikit-learn wheel: always there, no network. Source: E. Alpaydin, C. Kaynak (1998), Optical Recognition of
Handwritten Digits, UCI Machine Learning Repository.
"""

from functools import partial
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
    return DataSource("digits", (stamp(table),), partial(_read, table))


def _read(table: Path, progress: Progress) -> Images:
    # not by `sklearn.datasets`, which takes a second and more to import
    rows = np.loadtxt(table, delimiter=",")  # [1797, 65]: counts of ink in 0..16, and the label
    pixels = np.rint(rows[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    labels = rows[:, -1].astype(np.int64)
    return Images(tuple("0123456789"), labels, np.full(len(labels), "train"), ArrayPixels(pixels))
