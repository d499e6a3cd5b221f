"""The class mix behind the answers."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls


def class_priors(
    labels: NDArray[np.int64], answered: NDArray[np.int64], now: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Estimate the share of each true class in new predictions.

    Black-box shift estimation (Lipton et al. 2018, arXiv:1802.03916, section 4): what the model answers is its
    confusion matrix on the reference times the class mix, and solved for the mix its mistakes are taken out.
    That holds where only the mix has changed, not what the classes look like. Weights below 0 are not allowed.

    Args:
        labels: true classes of the reference, [N].
        answered: what the model answered there, [N].
        now: what it answers now, [n].
        classes: how many there are.

    Returns:
        Shares [classes] that sum to 1; of a class that the reference has no image of, the share answered.
    """
    # [answered, true]: shares of the reference, so that its columns sum to the class mix there
    confusion = np.zeros((classes, classes))
    np.add.at(confusion, (answered, labels), 1 / len(labels))
    mix_at_export = confusion.sum(axis=0)
    mix = np.bincount(now, minlength=classes) / len(now)
    weights, _ = nnls(confusion, mix)
    shares = np.where(mix_at_export > 0, weights * mix_at_export, mix)
    result: NDArray[np.float64] = shares / shares.sum()
    return result
