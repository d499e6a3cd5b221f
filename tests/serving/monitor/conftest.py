"""A real classifier on the real digits: what it answers on images that it was not trained on, as streams."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hpo.serving.monitor.reference import Reference
from hpo.serving.prediction import Prediction
from hpo.serving.statistics import input_statistics
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

CLASSES = tuple("0123456789")


@dataclass(frozen=True)
class World:
    """Images uint8 [N, 1, 8, 8] that the model has not seen, their labels, and the model."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    model: LogisticRegression

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.model.decision_function(images.reshape(len(images), -1) / 255).astype(np.float32)

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        return self.model.predict_proba(images.reshape(len(images), -1) / 255)

    def draw(self, count: int, seed: int, only: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Rows of the world, drawn with replacement."""
        return np.random.default_rng(seed).choice(np.arange(len(self.labels)) if only is None else only, count)

    def reference(self, rows: NDArray[np.int64]) -> Reference:
        images = self.images[rows]
        return Reference(self.logits(images), self.labels[rows], np.stack(input_statistics(images), axis=1))


@pytest.fixture(scope="session")
def world() -> World:
    digits = load_digits()
    images = (digits.images * 255 / 16).astype(np.uint8)[:, None]
    order = np.random.default_rng(0).permutation(len(images))
    train, rest = order[:500], order[500:]
    model = LogisticRegression(max_iter=2000).fit(images[train].reshape(500, -1) / 255, digits.target[train])
    return World(images[rest], digits.target[rest].astype(np.int64), model)


Answer = Callable[..., Prediction]


@pytest.fixture
def answer(world: World) -> Answer:
    """One prediction of the model; keyword arguments replace what it says of itself."""

    def make(place: int = 0, **changes: object) -> Prediction:
        image = world.images[place % len(world.images)]
        shares = world.probabilities(image[None])[0].astype(np.float32)
        label = int(shares.argmax())
        known = {
            "time": time.time(),
            "request_id": f"r{place}",
            "index": 0,
            "arm": "champion",
            "shadow": False,
            "model_version": "v1",
            "class_index": label,
            "class_name": CLASSES[label],
            "confidence": float(shares[label]),
            "probabilities": shares,
            "latency_s": 0.01,
            "image": image,
        }
        return Prediction(**{**known, **changes})

    return make
