"""The pairs of classes that a model confuses most. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFUSIONS = 12  # pairs of classes that are listed


@dataclass(frozen=True, slots=True)
class Confusion:
    """Images of class `true` that were answered `answered`.

    `share` is their share of the class.
    """

    true: str
    answered: str
    images: int
    share: float


def most_confused(confusion: NDArray[np.int64], names: Sequence[str]) -> list[Confusion]:
    """Return the pairs of classes that are confused most often, by counts [true, answered]."""
    counts = confusion.copy()
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:CONFUSIONS]
    pairs = (divmod(int(cell), len(counts)) for cell in order)
    return [
        Confusion(names[row], names[column], int(counts[row, column]), float(counts[row, column] / totals[row]))
        for row, column in pairs
        if counts[row, column]
    ]
