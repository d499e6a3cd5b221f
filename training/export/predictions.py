"""predictions.npz: the class of each test image, and what the exported model answered.

Two models that were tested on the same images are compared by it, and a report shows their mistakes: nobody has to look
at the test split again. Held are two numbers per image; no image. No torch.
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
from ...errors import ExportError
from .export_folder import ExportFolder
from .names import PREDICTIONS


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answers to the images of a test split, in the split's own order.

    `labels` and `answered` int64 [N], positions in the class names; N at least 1.
    """

    labels: NDArray[np.int64]
    answered: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which images were answered right, [N]."""
        right: NDArray[np.bool_] = self.labels == self.answered
        return right

    def confusion(self, classes: int) -> NDArray[np.int64]:
        """Count the images by class and answer, [true, answered] of so many `classes`."""
        counts = np.zeros((classes, classes), np.int64)
        np.add.at(counts, (self.labels, self.answered), 1)
        return counts

    def save(self, path: Path) -> None:
        """Write the predictions to `path`.

        Raises:
            OSError: it cannot be written.
        """
        content = io.BytesIO()
        # 32 bits number more classes than any data set has, and are compressed
        labels, answered = self.labels.astype(np.int32), self.answered.astype(np.int32)
        np.savez_compressed(content, labels=labels, answered=answered)
        write_atomic(path, content.getvalue())

    @classmethod
    def of(cls, export: ExportFolder) -> Self | None:
        """Return the predictions in `export`; None where a version before made it.

        Raises:
            ExportError: they are not the file that the manifest describes, or damaged.
        """
        if PREDICTIONS not in export.manifest.files:
            return None
        predictions = cls._load(export.checked(PREDICTIONS))
        classes, images = len(export.manifest.class_names), export.manifest.metrics.test_images
        both = np.concatenate((predictions.labels, predictions.answered))
        if (
            len(predictions) != images
            or len(predictions.answered) != images
            or not (0 <= both.min() <= both.max() < classes)
        ):
            raise ExportError(f"{export.path / PREDICTIONS}: damaged: not of {images:,} images of {classes} classes")
        return predictions

    @classmethod
    def _load(cls, path: Path) -> Self:
        try:
            arrays = read_npz(path, ARRAYS_BYTES)
            labels, answered = (_column(arrays[name]) for name in ("labels", "answered"))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ExportError(f"{path}: no predictions of ours, or damaged: {error}") from error
        return cls(labels, answered)


def _column(values: NDArray[np.int32]) -> NDArray[np.int64]:
    # a file of somebody else's may have anything in it
    if values.dtype != np.int32 or values.ndim != 1 or not len(values):
        raise ValueError(f"must be a row of int32, got {values.dtype} {list(values.shape)}")
    return values.astype(np.int64)
