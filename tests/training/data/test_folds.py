"""Folds: disjoint, covering, stratified, groups whole, the test split as it was, and statistics without a leak."""

from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from hpo.training.data.sources.arrays import ArrayPixels
from hpo.training.data.sources.base import Images
from hpo.training.data.split import Partition, partition
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

SIZES = st.lists(st.integers(4, 40), min_size=2, max_size=6).filter(lambda sizes: sum(sizes) > 40)


def divide(
    sizes: list[int], groups: list[str] | None = None, parts: list[str] | None = None, **settings: object
) -> tuple[np.ndarray, Partition]:
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(sizes)), sizes))
    given_parts = np.array(parts or ["train"] * len(labels))
    pixels = ArrayPixels(np.zeros((len(labels), 1, 1, 1), np.uint8))
    names = tuple(f"class{number}" for number in range(len(sizes)))
    images = Images(names, labels, given_parts, pixels, groups=groups)
    return labels, partition(images, np.arange(len(labels)), DataConfig.model_validate(settings))


@settings(deadline=None)
@given(SIZES, st.integers(2, 6), st.integers(0, 99))
def test_disjoint_covering_and_stratified(sizes: list[int], folds: int, seed: int) -> None:
    labels, split = divide(sizes, folds=folds, split_seed=seed)
    together = np.concatenate([*split.folds, split.test])
    assert sorted(together.tolist()) == list(range(len(labels)))
    assert np.array_equal(split.val, split.folds[0])
    assert np.array_equal(split.train, np.concatenate(split.folds[1:]))
    counts = np.stack([np.bincount(labels[fold], minlength=len(sizes)) for fold in split.folds])
    assert (counts.max(axis=0) - counts.min(axis=0)).max() <= 1
    assert counts.sum(axis=1).max() - counts.sum(axis=1).min() <= 1
    again = divide(sizes, folds=folds, split_seed=seed)[1]
    assert all(map(np.array_equal, split.folds, again.folds))


def test_the_test_split_is_what_it_is_without_folds_and_another_seed_deals_others() -> None:
    split, without = divide([60, 40], folds=5)[1], divide([60, 40])[1]
    assert np.array_equal(split.test, without.test)
    others = divide([60, 40], folds=5, val_seed=3)[1]
    assert np.array_equal(split.test, others.test)
    assert not np.array_equal(split.folds[0], others.folds[0])


def test_no_group_is_in_two_folds_and_another_seed_moves_groups_of_any_size() -> None:
    names = [f"g{number // 4}" for number in range(100)]
    labels, split = divide([50, 50], names, folds=4)
    members = [{names[row] for row in fold} for fold in (*split.folds, split.test)]
    assert sum(map(len, members)) == len(set.union(*members)) == 25
    shares = [np.bincount(labels[fold], minlength=2).tolist() for fold in split.folds]
    assert max(map(max, shares)) - min(map(min, shares)) <= 6
    assert not np.array_equal(divide([50, 50], names, folds=4, val_seed=1)[1].folds[0], split.folds[0])


def test_max_train_is_of_all_folds_together() -> None:
    labels, split = divide([60, 40], folds=5, max_train=20)
    assert [len(fold) for fold in split.folds] == [4] * 5
    assert np.bincount(labels[np.concatenate(split.folds)]).tolist() == [12, 8]
    assert split.notes == ("5 folds of 4 images: a trial trains on the others, 5 times",)


def test_a_class_with_fewer_images_than_folds_is_named() -> None:
    assert divide([60, 4], folds=5)[1].notes[1] == "some folds have no image of class1"


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(DataError, match=r"each class must be in two folds at least, but class 'class1' is in 1"):
        divide([60, 1], folds=5)
    with pytest.raises(DataError, match="each of 20 folds needs images"):
        divide([10, 10], folds=20, max_train=12)
    with pytest.raises(DataError, match="folds take the place of a validation split, but the data give one"):
        divide([10, 10], parts=["train"] * 15 + ["val"] * 5, folds=3)
    with pytest.raises(ValidationError, match="folds and max_val must not both be set"):
        DataConfig(folds=5, max_val=10)
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        DataConfig(folds=1)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    cache = tmp_path_factory.mktemp("cache")
    return prepare(DataConfig(source="digits", folds=5, max_train=203), cache=cache)


def test_each_view_of_a_pack_validates_on_its_fold(pack: Pack) -> None:
    seen = []
    for number, view in enumerate(pack.views, start=1):
        assert (view.fold, view.size("train") + view.size("val")) == (number, 203)
        for split, counts in ((view.train, view.counts["train"]), (view.val, view.counts["val"])):
            assert np.bincount(split.labels, minlength=10).tolist() == list(counts)
        assert not {*view.train.index} & {*view.val.index}
        assert np.array_equal(view.train_and_val.images[view.train_rows], view.train.images)
        assert view.mean == pytest.approx([(view.train.images / 255).mean()])
        assert isinstance(view.val.images, np.memmap)
        seen += view.val.index.tolist()
    assert len(seen) == len({*seen}) == pack.validated == 203
    assert isinstance(pack.train.images, np.memmap)


def test_the_first_fold_is_that_of_whoever_knows_of_none(pack: Pack) -> None:
    assert np.array_equal(pack.val.index, pack.of_fold(1).val.index)
    assert np.array_equal(pack.train.index, pack.of_fold(1).train.index)
    assert pack.to_json()["folds"][0]["mean"] == pack.of_fold(1).mean


def test_folds_are_part_of_the_fingerprint_and_none_changes_nothing(pack: Pack, digits_pack: Path) -> None:
    cache = pack.path.parent
    assert prepare(DataConfig(source="digits", folds=4, max_train=203), cache=cache).fingerprint != pack.fingerprint
    same = DataConfig(source="digits", folds=5, max_train=203, val_fraction=0.3)  # void
    assert prepare(same, cache=cache).fingerprint == pack.fingerprint
    assert Pack.open(digits_pack).views == (Pack.open(digits_pack),)


def test_folds_of_a_folder_of_pictures_in_colours(tmp_path: Path) -> None:
    for number in range(60):
        folder = tmp_path / "images" / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 2 * number, 0)).save(folder / f"p{number // 4}_{number}.png")
    config = DataConfig(source=str(tmp_path / "images"), folds=3, group_pattern=r"^.*/(p\d+)_")
    made = prepare(config, cache=tmp_path / "cache")
    assert made.channels == 3
    assert [view.size("val") for view in made.views] == [20, 20, 16]  # of groups of four
    means = {view.mean for view in made.views}
    assert len(means) == 3
