"""The embedding of a prediction: its centred log-probabilities.

They are the logits but for a constant.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
_FLOOR = 1e-6  # a share below it is noise of float32


def embed(probabilities: NDArray[np.floating]) -> Points:
    """Turn probabilities [N, classes] into centred log-probabilities."""
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), _FLOOR))
    result: Points = logs - logs.mean(axis=1, keepdims=True)
    return result


def squared_distances(left: Points, right: Points) -> NDArray[np.float64]:
    """Return squared Euclidean distances [N, M] of [N, D] and [M, D]."""
    # |l - r|^2 = |l|^2 - 2 l r + |r|^2 needs no [N, M, D] array; rounding can leave it just below 0
    distances: NDArray[np.float64] = left @ (-2 * right.T)
    distances += (left * left).sum(axis=1)[:, None]
    distances += (right * right).sum(axis=1)
    return np.maximum(distances, 0, out=distances)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Anchors of the reference that predictions are compared with.

    How alike a prediction is to them is the mean of a Gaussian kernel over `anchors` [A, classes].
    """

    anchors: Points
    squared_width: float

    @classmethod
    def of(cls, probabilities: NDArray[np.floating]) -> Self:
        """Make anchors of these predictions.

        The width is their median distance (Gretton et al. 2012, JMLR 13, section 8).
        """
        anchors = embed(probabilities)
        distances = squared_distances(anchors, anchors)
        apart = distances[distances > 0]
        return cls(anchors, float(np.median(apart)) if apart.size else 1.0)

    def similarity(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the similarity of [N, classes] to the anchors, [N].

        It lies in [0, 1].
        """
        kernel = squared_distances(embed(probabilities), self.anchors)
        kernel *= -1 / (2 * self.squared_width)
        result: NDArray[np.float64] = np.exp(kernel, out=kernel).mean(axis=1)
        return result
