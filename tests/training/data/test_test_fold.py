"""Test folds: each image tests once over all of them, and the rest is divided as ever."""

from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.prepare import prepare
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from .test_folds import SIZES, divide


@settings(deadline=None)
@given(SIZES, st.integers(2, 5), st.integers(0, 99), st.sampled_from([None, 3]))
def test_each_image_tests_once(sizes: list[int], count: int, seed: int, folds: int | None) -> None:
    splits = [
        divide(sizes, test_fold=f"{number}/{count}", split_seed=seed, folds=folds, val_fraction=0.2)
        for number in range(1, count + 1)
    ]
    labels = splits[0][0]
    tested = np.concatenate([split.test for _, split in splits])
    assert sorted(tested.tolist()) == list(range(len(labels)))
    counts = np.stack([np.bincount(labels[split.test], minlength=len(sizes)) for _, split in splits])
    assert (counts.max(axis=0) - counts.min(axis=0)).max() <= 1
    for _, split in splits:
        together = np.concatenate([split.train, split.val, split.test])
        assert sorted(together.tolist()) == list(range(len(labels)))


def test_the_validation_fraction_is_of_all_images() -> None:
    split = divide([100, 100], test_fold="1/5", val_fraction=0.2)[1]
    assert [len(rows) for rows in (split.train, split.val, split.test)] == [120, 40, 40]


def test_no_group_is_in_the_test_fold_and_outside() -> None:
    names = [f"g{number // 4}" for number in range(100)]
    split = divide([50, 50], names, test_fold="2/4")[1]
    members = [{names[row] for row in rows} for rows in (split.train, split.val, split.test)]
    assert sum(map(len, members)) == len(set.union(*members)) == 25


def test_other_seeds_of_validation_leave_the_test_fold() -> None:
    one, other = (divide([60, 40], test_fold="2/5", val_seed=seed)[1] for seed in (0, 1))
    assert np.array_equal(one.test, other.test)
    assert not np.array_equal(one.val, other.val)


def test_packs_of_other_test_folds_are_other_data_and_a_fraction_is_void(tmp_path: Path) -> None:
    def fingerprint(**more: object) -> str:
        data = {"source": "digits", "max_train": 50, "max_val": 10, **more}
        return prepare(DataConfig.model_validate(data), cache=tmp_path).fingerprint

    assert len({fingerprint(), fingerprint(test_fold="1/5"), fingerprint(test_fold="2/5")}) == 3
    assert fingerprint(test_fold="1/5") == fingerprint(test_fold="1/5", test_fraction=0.4)


@pytest.mark.parametrize("fold", ["0/5", "6/5", "1/1", "1/21", "1", "1/5 ", "a/b", "-1/5", "١/٥"])
def test_what_is_no_part_is_refused(fold: str) -> None:
    with pytest.raises(ValidationError, match="must be a part of 2 to 20, such as 1/5 or 5/5"):
        DataConfig(test_fold=fold)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"data\.test_fold: each class must be in two folds at least, but class 'class1'"
    ):
        divide([60, 1], test_fold="1/5")
    with pytest.raises(DataError, match=r"val_fraction \+ test_fraction must be < 1, got 0.8 \+ a test_fold of 0.5"):
        divide([60, 60], test_fold="1/2", val_fraction=0.8)
    with pytest.raises(DataError, match=r"data\.test_fold: .* but the data give one\n  leave data\.test_fold and"):
        divide([60, 60], parts=["train"] * 100 + ["test"] * 20, test_fold="1/2")
