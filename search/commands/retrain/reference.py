"""The reference of a tested model, kept for the monitor.

It is what the model answered: the one look at the test split serves both.
"""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....serving.monitor.reference import REFERENCE, Reference
from ....serving.statistics import input_statistics
from ....training.data.pack import Split

_PORTION = 512  # images at a time, which bounds the memory that their statistics take


class ReferenceKeeper:
    """The keeper of a model's reference, in its workshop.

    Every export of the same weights takes it from there. The validation images cannot serve: the retrained model has
    learned them, and is surer of them than it will be of any image in service.
    """

    def __init__(self, workshop: Path) -> None:
        self._kept = workshop / REFERENCE

    def keep(self, split: Split, logits: NDArray[np.float32]) -> None:
        """Keep the logits [N, classes] on `split`, and its images' statistics."""
        portions = [
            # [N, H, W, C] to [N, C, H, W]; one row of statistics per image
            np.stack(input_statistics(split.images[start : start + _PORTION].transpose(0, 3, 1, 2)), axis=1)
            for start in range(0, len(split), _PORTION)
        ]
        statistics = np.concatenate(portions).astype(np.float32)
        Reference(logits, split.labels, statistics).sampled().save(self._kept)

    def put(self, folder: Path) -> None:
        """Copy the reference into an export."""
        if self._kept.exists():
            shutil.copyfile(self._kept, folder / REFERENCE)
