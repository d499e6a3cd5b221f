"""Whether labels and images belong together, by nearest neighbours.

A classifier that needs no training is asked. Five nearest neighbours on small pictures are a poor classifier, but where
the labels are right they nearly always beat a guess; where they do not, either the labels are wrong or the task is
beyond pixels.
"""

from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import adaptive_avg_pool2d

from ...data.pack import Split
from ..finding import Cause, Checked, note, warning
from ..registry import register_check
from ..subject import Subject

# Images, side in pixels and neighbours: bounded, so that the check is cheap whatever the data.
_TRAIN, _VAL, _SIDE, _NEIGHBOURS = 2000, 500, 16, 5
_ERRORS = 3.0  # standard errors above a guess that count as better: chance reaches them once in 700 times
_SKILL = 0.25  # of the way from a guess to all right: so much must be visible through the errors for a word against it


@register_check("label_signal", "Do labels and images belong together?", needs_model=False)
def check(subject: Subject) -> Checked:
    """Check the accuracy of nearest neighbours on validation images.

    The neighbours are training images.
    """
    from sklearn.neighbors import KNeighborsClassifier  # takes a second to import

    random = np.random.default_rng(subject.config.seed)
    train, val = _drawn(subject.pack.train, _TRAIN, random), _drawn(subject.pack.val, _VAL, random)
    model = KNeighborsClassifier(min(_NEIGHBOURS, len(train[1]))).fit(*train)
    accuracy = float((model.predict(val[0]) == val[1]).mean())
    guess = float(np.unique(val[1], return_counts=True)[1].max() / len(val[1]))
    error = sqrt(guess * (1 - guess) / len(val[1]))
    summary = f"Nearest neighbours on raw pixels: accuracy {accuracy:.3f} on {len(val[1])} images, a guess {guess:.3f}."
    numbers = {"accuracy": accuracy, "guess": guess}
    if accuracy > guess + _ERRORS * error or guess == 1.0:
        return Checked(summary, (), numbers)
    if _ERRORS * error > _SKILL * (1 - guess):
        text = f"not enough validation images to tell whether labels and images belong together ({len(val[1])})"
        return Checked(summary, [note(text, "validate with more images")], numbers)
    text = f"images that look alike do not have the same label more often than by chance ({accuracy:.3f})"
    advice = (
        f"look whether labels and images still belong together: {subject.look_at_data}; if they do, the task is hard "
        "for raw pixels, and this says nothing"
    )
    return Checked(summary, [warning(Cause.HINT, text, advice)], numbers)


def _drawn(split: Split, most: int, random: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rows = np.sort(random.permutation(len(split))[:most])
    images = torch.from_numpy(np.asarray(split.images[rows])).permute(0, 3, 1, 2).float()  # [N, C, H, W]
    side = min(_SIDE, images.shape[-1])
    small: NDArray[np.float32] = adaptive_avg_pool2d(images, side).flatten(1).numpy()
    return small, np.asarray(split.labels[rows])
