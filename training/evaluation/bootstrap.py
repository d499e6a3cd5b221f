"""Bootstrap intervals of the metrics of a confusion matrix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Interval = tuple[float, float]

RESAMPLES = 2000  # for 95 % intervals: a few hundred leave the ends uncertain, more cost time
CONFIDENCE = 0.95  # as Wilson's intervals beside these
_NUMBERS_AT_ONCE = 4_000_000  # of counts, some 32 MB


@dataclass(frozen=True, slots=True)
class Intervals:
    """Percentile intervals of 95 %.

    `f1` per class, None for one without images.
    """

    balanced_accuracy: Interval
    macro_f1: Interval
    f1: tuple[Interval | None, ...]


def bootstrap(confusion: NDArray[np.int64], resamples: int = RESAMPLES, seed: int = 0) -> Intervals:
    """Bootstrap the metrics of a confusion matrix [true, answered].

    Percentile bootstrap (Efron & Tibshirani 1993, chapter 13).

    All images in a cell of the matrix are alike to these metrics, so drawing N images with replacement is one
    multinomial draw over the cells: exact, and a thousand times as fast as drawing images. A mean over classes leaves
    out a class that a resample has no image of, as the metric itself does. What no image shows no resample shows: where
    every answer is right, every interval is that of certainty.
    """
    rows, columns = np.nonzero(confusion)
    counts = confusion[rows, columns]
    total, classes = int(counts.sum()), len(confusion)
    random = np.random.default_rng(seed)
    is_true, is_answer = _indicator(rows, classes), _indicator(columns, classes)
    right = rows == columns
    recalls: list[NDArray[np.float64]] = []
    f1s: list[NDArray[np.float64]] = []
    step = max(1, _NUMBERS_AT_ONCE // len(counts))
    for start in range(0, resamples, step):
        drawn = random.multinomial(total, counts / total, size=min(step, resamples - start))  # [resamples, cells]
        true, answered = drawn @ is_true, drawn @ is_answer  # [resamples, classes]
        hits = (drawn * right) @ is_true
        recalls.append(_share(hits, true))
        f1s.append(_share(2 * hits, np.where(true > 0, true + answered, 0)))
    recall, f1 = np.concatenate(recalls), np.concatenate(f1s)
    return Intervals(
        balanced_accuracy=_interval(np.nanmean(recall, axis=1)),
        macro_f1=_interval(np.nanmean(f1, axis=1)),
        # a resample may hold no image of a class, whose F1 is then NaN
        f1=tuple(None if np.isnan(column).all() else _interval(column) for column in f1.T),
    )


def _indicator(classes_of_cells: NDArray[np.int64], classes: int) -> csr_array:
    """Return [cells, classes]: 1 where the cell belongs to the class."""
    cells = len(classes_of_cells)
    return csr_array((np.ones(cells, np.int64), (np.arange(cells), classes_of_cells)), shape=(cells, classes))


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return part / whole, NaN where the whole is 0."""
    shares: NDArray[np.float64] = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return shares


def _interval(values: NDArray[np.float64]) -> Interval:
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return float(low), float(high)
