"""The pairs of classes that are confused most."""

import numpy as np
from hpo.training.evaluation.confusions import CONFUSIONS, most_confused

NAMES = tuple(f"class {index}" for index in range(4))


def test_the_commonest_confusion_comes_first() -> None:
    counts = np.array([(5, 1, 0, 0), (0, 3, 3, 0), (0, 0, 6, 0), (0, 0, 2, 4)])
    pairs = most_confused(counts, NAMES)
    assert [(pair.images, round(pair.share, 3)) for pair in pairs] == [(3, 0.5), (2, 0.333), (1, 0.167)]
    assert (pairs[0].true, pairs[0].answered) == ("class 1", "class 2")
    assert counts.trace() == 18  # as it was


def test_a_flawless_model_confuses_nothing() -> None:
    assert most_confused(np.diag([1, 2, 3, 0]), NAMES) == []


def test_so_many_are_listed() -> None:
    assert len(most_confused(np.ones((6, 6), np.int64), [*"abcdef"])) == CONFUSIONS
