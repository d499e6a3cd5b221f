"""Search for a gap between validation and test, and its reasons."""

from typing import Any

import numpy as np
from scipy.stats import fisher_exact

from ..data.appearance import Appearance, appearance
from ..data.inspect.shared import shared
from ..data.pack import Pack
from .gap import Gap
from .manifest import Metrics

LIMIT = 0.05
"""Differences that are less probable than this are reported."""


def find_gap(metrics: Metrics, pack: Pack, chosen_among: int, tested: Appearance | None) -> Gap | None:
    """Return the gap between accuracies, None where chance explains it.

    Chance and the choice among configurations: the accuracies are those in `metrics`.

    Args:
        metrics: of a model that was trained on `pack`.
        pack: its data set; the test split stays closed.
        chosen_among: configurations of which the one with the best validation was taken, at least 1.
        tested: brightness and contrast of the test images, measured when the split was open.
    """
    if metrics.val_accuracy is None:
        return None
    accuracy, images = (metrics.val_accuracy, metrics.test_accuracy), (pack.validated, metrics.test_images)
    right = round(accuracy[0] * images[0]), round(accuracy[1] * images[1])
    probability = gap_probability(right, images, chosen_among)
    if probability >= LIMIT:
        return None
    shares = np.array([np.array(pack.counts[part]) / pack.size(part) for part in ("val", "test")])
    most = int(np.abs(shares[0] - shares[1]).argmax())
    val_appearance = appearance(pack.val.images)
    equal, nearly = shared(pack.train.images, pack.val.images)
    return Gap(
        accuracy=accuracy,
        images=images,
        chosen_among=chosen_among,
        probability=probability,
        class_name=pack.class_names[most],
        class_share=(float(shares[0, most]), float(shares[1, most])),
        brightness=(val_appearance.brightness, tested.brightness) if tested else None,
        contrast=(val_appearance.contrast, tested.contrast) if tested else None,
        shared=equal,
        nearly_shared=nearly,
    )


def gap_probability(right: tuple[int, int], images: tuple[int, int], chosen_among: int) -> float:
    """Return the probability of so different accuracies with one truth.

    By Fisher's exact test, two-sided. The validation accuracy is that of the best of `chosen_among` configurations,
    which is higher than its truth by chance alone; any of them might have been the one, so that the probability is
    taken so many times (Bonferroni).

    Args:
        right: right answers in validation and test.
        images: images in validation and test.
        chosen_among: at least 1.
    """
    wrong = tuple(count - hits for count, hits in zip(images, right, strict=True))
    test: Any = fisher_exact([right, wrong])
    return min(1.0, chosen_among * float(test.pvalue))
