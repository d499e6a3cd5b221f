"""What the tested model answered, kept for the monitor: the one look at the test split serves both."""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....serving.monitor.reference import REFERENCE, Reference
from ....serving.statistics import input_statistics
from ....training.data.pack import Split

_PORTION = 512  # images of which the statistics are taken at a time


class ReferenceKeeper:
    """Keeps the reference of a model in its workshop, whence every export of the same weights takes it.

    The validation images cannot serve: the retrained model has learned them, and is surer of them than it will be of
    any image in service.
    """

    def __init__(self, workshop: Path) -> None:
        self._kept = workshop / REFERENCE

    def keep(self, split: Split, logits: NDArray[np.float32]) -> None:
        """Keep the logits [N, classes] that the model gave on `split`, and what its images look like."""
        portions = [
            np.stack(input_statistics(split.images[start : start + _PORTION].transpose(0, 3, 1, 2)), axis=1)
            for start in range(0, len(split), _PORTION)
        ]
        statistics = np.concatenate(portions).astype(np.float32)
        Reference(logits, split.labels, statistics).sampled().save(self._kept)

    def put(self, folder: Path) -> None:
        """Copy it into an export."""
        if self._kept.exists():
            shutil.copyfile(self._kept, folder / REFERENCE)
