"""Splits: disjoint, covering, stratified, seeded, and kind to rare classes."""

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.sources.arrays import ArrayPixels
from hpo.training.data.sources.base import Images
from hpo.training.data.split import Partition, allocate, partition
from hypothesis import given, settings
from hypothesis import strategies as st

SIZES = st.lists(st.integers(1, 60), min_size=2, max_size=8).filter(lambda sizes: max(sizes) >= 3)
FRACTIONS = st.floats(0.05, 0.45)


def divide(sizes: list[int], parts: list[str] | None = None, **settings: object) -> tuple[np.ndarray, Partition]:
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(sizes)), sizes))
    given_parts = np.array(parts or ["train"] * len(labels))
    names = tuple(f"class{number}" for number in range(len(sizes)))
    pixels = ArrayPixels(np.zeros((len(labels), 1, 1, 1), np.uint8))
    images = Images(names, labels, given_parts, pixels)
    return labels, partition(images, np.arange(len(labels)), DataConfig.model_validate(settings))


@settings(deadline=None)
@given(SIZES, FRACTIONS, FRACTIONS, st.integers(0, 1000))
def test_disjoint_covering_and_stratified(sizes: list[int], val: float, test: float, seed: int) -> None:
    labels, split = divide(sizes, val_fraction=val, test_fraction=test, split_seed=seed)
    together = np.concatenate([split.train, split.val, split.test])
    assert sorted(together.tolist()) == list(range(len(labels)))
    counts = {
        name: np.bincount(labels[getattr(split, name)], minlength=len(sizes)) for name in ("train", "val", "test")
    }
    assert counts["train"].min() >= 1
    for number, size in enumerate(sizes):
        if size >= 3:
            assert min(counts["val"][number], counts["test"][number]) >= 1
        for name, fraction in (("val", val), ("test", test)):
            assert counts[name][number] <= max(1, np.ceil(size * fraction) + 1)
    again = divide(sizes, val_fraction=val, test_fraction=test, split_seed=seed)[1]
    assert all(np.array_equal(getattr(split, name), getattr(again, name)) for name in ("train", "val", "test"))


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=9), st.data())
def test_allocation_is_exact_and_within_one_of_the_share(sizes: list[int], data: st.DataObject) -> None:
    counts = np.array(sizes)
    total = data.draw(st.integers(0, int(counts.sum())))
    shares = allocate(counts, total, [0])
    assert shares.sum() == total
    assert (shares <= counts).all()
    assert (np.abs(shares - counts * total / max(1, counts.sum())) < 1).all()


def test_the_usual_split_is_80_10_10() -> None:
    labels, split = divide([100, 50, 50])
    assert [len(split.train), len(split.val), len(split.test)] == [160, 20, 20]
    assert np.bincount(labels[split.test]).tolist() == [10, 5, 5]
    assert split.notes == ()


def test_another_seed_draws_others() -> None:
    assert not np.array_equal(divide([50, 50])[1].test, divide([50, 50], split_seed=1)[1].test)


@settings(deadline=None)
@given(SIZES, FRACTIONS, FRACTIONS, st.integers(0, 1000))
def test_another_val_seed_leaves_the_test_split_and_the_sizes(
    sizes: list[int], val: float, test: float, seed: int
) -> None:
    shares = {"val_fraction": val, "test_fraction": test}
    labels, first = divide(sizes, **shares)
    other = divide(sizes, val_seed=seed, **shares)[1]
    assert np.array_equal(first.test, other.test)
    assert sorted([*other.train, *other.val, *other.test]) == list(range(len(labels)))
    assert np.array_equal(np.bincount(labels[first.val]), np.bincount(labels[other.val]))
    assert seed or np.array_equal(first.val, other.val)


def test_another_val_seed_draws_other_validation_images() -> None:
    drawn = {tuple(divide([50, 50], val_seed=seed)[1].val.tolist()) for seed in range(5)}
    assert len(drawn) == 5


def test_a_val_seed_cannot_touch_what_is_given() -> None:
    parts = ["train"] * 60 + ["val"] * 20 + ["test"] * 20
    first, other = divide([50, 50], parts)[1], divide([50, 50], parts, val_seed=7)[1]
    assert all(np.array_equal(getattr(first, name), getattr(other, name)) for name in ("train", "val", "test"))


def test_classes_of_one_two_and_three_images() -> None:
    labels, split = divide([1, 2, 3, 40])
    counts = [np.bincount(labels[rows], minlength=4)[:3].tolist() for rows in (split.train, split.val, split.test)]
    assert counts == [[1, 1, 1], [0, 1, 1], [0, 0, 1]]
    assert split.notes == (
        "class0: one image, which only trains",
        "class1: two images, one trains and one validates",
        "class2: three images, one in each split",
    )


def test_a_given_test_split_is_kept_and_val_carved_out_of_train() -> None:
    parts = ["train"] * 60 + ["test"] * 40
    _, split = divide([50, 50], parts, val_fraction=0.2)
    assert split.test.tolist() == list(range(60, 100))
    assert len(split.val) == 12  # 20 % of the sixty that are there to be divided
    assert max(split.val) < 60


def test_a_given_val_split_is_kept_and_test_carved_out_of_train() -> None:
    parts = ["train"] * 80 + ["val"] * 20
    _, split = divide([50, 50], parts, test_fraction=0.25)
    assert split.val.tolist() == list(range(80, 100))
    assert len(split.test) == 20


def test_everything_given_is_left_alone() -> None:
    parts = ["train"] * 60 + ["val"] * 20 + ["test"] * 20
    _, split = divide([50, 50], parts)
    assert [len(split.train), len(split.val), len(split.test)] == [60, 20, 20]


def test_limits_take_stratified_subsets() -> None:
    labels, split = divide([300, 200, 100], max_train=60, max_val=12)
    assert np.bincount(labels[split.train]).tolist() == [30, 20, 10]
    assert np.bincount(labels[split.val]).tolist() == [6, 4, 2]
    assert len(split.test) == 60
    whole = divide([300, 200, 100])[1]
    assert set(split.train) <= set(whole.train)


def test_fractions_must_leave_something_to_train_on() -> None:
    with pytest.raises(DataError, match=r"val_fraction \+ test_fraction must be < 1, got 0.6 \+ 0.5"):
        divide([10, 10], val_fraction=0.6, test_fraction=0.5)


def test_a_split_that_would_be_empty_is_refused() -> None:
    with pytest.raises(DataError, match="the test split has no images"):
        divide([2, 2])
