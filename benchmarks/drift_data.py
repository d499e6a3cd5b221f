"""Data and models of drift.py: what a monitor sees of them.

Models are scikit-learn's, on images that they have not trained on.
"""

import gzip
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from harness import FASHION_MNIST
from hpo.serving.statistics import input_statistics
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

Array = np.ndarray


@dataclass(frozen=True)
class Data:
    """A data set that the model has not seen, and the model.

    Images uint8 [N, 1, side, side] and labels, and the model's probabilities for any images.
    """

    name: str
    images: Array
    labels: Array
    answer: Callable[[Array], Array]

    def accuracy(self, images: Array, labels: Array) -> float:
        """Return the share of right answers."""
        return float((self.answer(images).argmax(axis=1) == labels).mean())


@dataclass(frozen=True)
class Predictions:
    """Predictions as a monitor sees them.

    Probabilities [n, classes], statistics [n, 3].
    """

    probabilities: Array
    statistics: Array

    def rows(self, rows: Array) -> "Predictions":
        """Return the predictions of some rows."""
        return Predictions(self.probabilities[rows], self.statistics[rows])


def see(data: Data, images: Array) -> Predictions:
    return Predictions(data.answer(images), np.stack(input_statistics(images), axis=1))


def digits() -> Data:
    held = load_digits()
    # 0..16 -> 0..255, [N, 8, 8] -> [N, 1, 8, 8]
    images = (held.images * 255 / 16).astype(np.uint8)[:, None]
    return _trained("digits", images, held.target, 600, LogisticRegression(max_iter=2000))


def fashion() -> Data:
    def read(name: str, offset: int) -> Array:
        with gzip.open(FASHION_MNIST / f"{name}.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)

    # the head of an idx file: 16 bytes for images, 8 for labels
    images = read("t10k-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)
    labels = read("t10k-labels-idx1-ubyte", 8).astype(np.int64)
    return _trained("Fashion-MNIST", images, labels, 6_000, MLPClassifier((64,), max_iter=15, random_state=0))


def _trained(name: str, images: Array, labels: Array, train: int, model: LogisticRegression | MLPClassifier) -> Data:
    order = np.random.default_rng(0).permutation(len(images))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a model that has not converged, and need not
        model.fit(images[order[:train]].reshape(train, -1) / 255, labels[order[:train]])
    others = order[train:]
    return Data(
        name, images[others], labels[others], lambda images: model.predict_proba(images.reshape(len(images), -1) / 255)
    )
