"""What a model answered when it was tested, kept for the monitor and for comparisons.

The one look at the test split serves all of them.
"""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....serving.monitor.reference import REFERENCE, Reference
from ....serving.statistics import input_statistics
from ....training.data.pack import Split
from ....training.export.names import PREDICTIONS
from ....training.export.predictions import Predictions

_PORTION = 512  # images at a time, which bounds the memory that their statistics take


class AnswersKeeper:
    """The keeper of a model's reference and test predictions, in its workshop.

    Every export of the same weights takes them from there. The validation images cannot serve: the retrained model has
    learned them, and is surer of them than it will be of any image in service.
    """

    def __init__(self, workshop: Path) -> None:
        self._workshop = workshop

    def keep(self, split: Split, logits: NDArray[np.float32]) -> None:
        """Keep the logits [N, classes] on `split`, its images' statistics, and the class of each."""
        portions = [
            # [N, H, W, C] to [N, C, H, W]; one row of statistics per image
            np.stack(input_statistics(split.images[start : start + _PORTION].transpose(0, 3, 1, 2)), axis=1)
            for start in range(0, len(split), _PORTION)
        ]
        statistics = np.concatenate(portions).astype(np.float32)
        Reference(logits, split.labels, statistics).sampled().save(self._workshop / REFERENCE)
        Predictions(split.labels, logits.argmax(axis=1)).save(self._workshop / PREDICTIONS)

    def put(self, folder: Path) -> None:
        """Copy what was kept into an export."""
        for name in (REFERENCE, PREDICTIONS):
            if (self._workshop / name).exists():  # a version before tested these weights where one is missing
                shutil.copyfile(self._workshop / name, folder / name)
