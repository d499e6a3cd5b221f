"""reference.npz: answers of a model to images it was not trained on.

And what those images look like.

Taken at export, when the retrained model is tested: it has trained on the validation images, so only the test split
still is to it what the world will be. Held are logits, labels and three numbers per image; no image.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...common.atomic import write_atomic
from ...common.bounded import ARRAYS_BYTES
from ...common.bounded_arrays import read_npz
from ...errors import ServeError

REFERENCE = "reference.npz"
_MOST_IMAGES = 5_000  # p-values against so many have steps of 1/5,000, finer than the bins of ranks.py
_MOST_NUMBERS = 2_000_000  # of logits: 8 MB


@dataclass(frozen=True, slots=True)
class Reference:
    """Answers and statistics of the reference images.

    `logits` float32 [N, classes], `labels` int64 [N], `statistics` float32 [N, 3] (see ../statistics.py).
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    statistics: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> int:
        """Return the number of classes that the model knows."""
        return int(self.logits.shape[1])

    def probabilities(self, temperature: float = 1.0) -> NDArray[np.float64]:
        """Return the softmax of logits / `temperature`, [N, classes]."""
        scaled = self.logits.astype(np.float64) / temperature
        shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        result: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
        return result

    def sampled(self) -> "Reference":
        """Return at most 5,000 of the images, evenly spaced.

        Fewer where there are more than 400 classes.
        """
        count = max(1, min(len(self), _MOST_IMAGES, _MOST_NUMBERS // self.classes))
        rows = np.unique(np.linspace(0, len(self) - 1, count).astype(np.int64))
        return Reference(self.logits[rows], self.labels[rows], self.statistics[rows])

    def save(self, path: Path) -> None:
        """Write the reference to `path`.

        Raises:
            OSError: it cannot be written.
        """
        content = io.BytesIO()
        np.savez_compressed(content, logits=self.logits, labels=self.labels, statistics=self.statistics)
        write_atomic(path, content.getvalue())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load what `save` wrote.

        Raises:
            ServeError: it is missing or damaged.
        """
        try:
            arrays = read_npz(path, ARRAYS_BYTES)
            reference = cls(arrays["logits"], arrays["labels"], arrays["statistics"])
        except FileNotFoundError as error:
            raise ServeError(f"{path}: missing; `hpo retrain-best` writes it anew") from error
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ServeError(f"{path}: not a reference of ours, or damaged: {error}") from error
        count, logits_shape = len(reference), reference.logits.shape
        if len(logits_shape) != 2 or logits_shape[0] != count or reference.statistics.shape != (count, 3):
            raise ServeError(f"{path}: damaged: logits {logits_shape}, {count} labels")
        return reference
