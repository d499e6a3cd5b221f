"""Groups stay whole, classes stay balanced, and a leak is gone."""

import time
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.arrange import locate
from hpo.training.data.config import DataConfig
from hpo.training.data.group_split import deal
from hpo.training.data.sources.arrays import ArrayPixels
from hpo.training.data.sources.base import Images, silent
from hpo.training.data.split import Partition, partition
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

SPLITS = ("train", "val", "test")


def images(labels: list[int], groups: list[str], parts: list[str] | None = None) -> Images:
    names = tuple(f"class{number}" for number in range(max(labels) + 1))
    pixels = ArrayPixels(np.zeros((len(labels), 1, 1, 1), np.uint8))
    return Images(names, np.array(labels), np.array(parts or ["train"] * len(labels)), pixels, groups=tuple(groups))


def divide(source: Images, **changes: object) -> Partition:
    return partition(source, np.arange(len(source.labels)), DataConfig.model_validate(changes))


def groups_of(source: Images, rows: np.ndarray) -> set[str]:
    assert source.groups is not None
    return {source.groups[row] for row in rows}


GROUPS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=12), min_size=3, max_size=40)


@settings(deadline=None)
@given(GROUPS, st.floats(0.05, 0.4), st.floats(0.05, 0.4), st.integers(0, 100))
def test_whole_covering_and_every_class_trains(held: list[list[int]], val: float, test: float, seed: int) -> None:
    labels = np.array([label for group in held for label in group])
    groups = np.repeat(np.arange(len(held)), [len(group) for group in held])
    dealt = deal(labels, groups, (val, test), 4, [seed])
    assert dealt.shape == (len(held),)
    assert set(labels[dealt[groups] == 0]) == set(labels)
    again = deal(labels, groups, (val, test), 4, [seed])
    assert np.array_equal(dealt, again)


def test_equal_groups_give_the_shares_asked_for_in_every_class() -> None:
    labels = [number // 5 % 4 for number in range(1000)]  # 200 groups of five of one class
    source = images(labels, [str(number // 5) for number in range(1000)])
    split = divide(source)
    counts = [np.bincount(source.labels[getattr(split, name)]).tolist() for name in SPLITS]
    assert counts == [[200] * 4, [25] * 4, [25] * 4]


@settings(deadline=None)
@given(GROUPS, st.integers(1, 100))
def test_another_val_seed_leaves_the_test_split(held: list[list[int]], seed: int) -> None:
    labels = [label for group in held for label in group]
    source = images(labels, [str(number) for number, group in enumerate(held) for _ in group])
    try:
        first = divide(source)
    except DataError:  # too few groups for three splits
        return
    other = divide(source, val_seed=seed)
    assert np.array_equal(first.test, other.test)
    assert sorted([*other.train, *other.val, *other.test]) == list(range(len(labels)))
    assert not groups_of(source, other.train) & groups_of(source, other.val)
    assert set(source.labels[other.train]) == set(labels)


def test_another_val_seed_draws_other_groups_where_no_two_are_of_one_size() -> None:
    sizes = range(1, 61)
    source = images([0, 1] * (sum(sizes) // 2), [str(size) for size in sizes for _ in range(size)])
    drawn = [groups_of(source, divide(source, val_seed=seed).val) for seed in range(4)]
    assert len({frozenset(groups) for groups in drawn}) == 4
    counts = [len(divide(source, val_seed=seed).val) for seed in range(4)]
    assert all(abs(count - sum(sizes) / 10) < 20 for count in counts), counts


def test_single_images_as_groups_are_divided_as_without_groups() -> None:
    source = images([0] * 100 + [1] * 50, [str(number) for number in range(150)])
    split = divide(source)
    assert [np.bincount(source.labels[getattr(split, name)]).tolist() for name in SPLITS] == [
        [80, 40],
        [10, 5],
        [10, 5],
    ]


def test_as_stratified_as_scikit_learns_folds() -> None:
    from sklearn.model_selection import StratifiedGroupKFold

    random = np.random.default_rng(0)
    sizes = random.integers(1, 40, 120)
    groups = np.repeat(np.arange(120), sizes)
    leaning = random.dirichlet(np.ones(5), 120)
    labels = np.array([random.choice(5, p=leaning[group]) for group in groups])
    share = np.bincount(labels) / len(labels)

    def error(chosen: np.ndarray) -> float:
        return float(np.abs(np.bincount(labels[chosen], minlength=5) / (0.1 * len(labels)) - share).sum())

    folds = StratifiedGroupKFold(10, shuffle=True, random_state=0).split(labels, labels, groups)
    theirs = np.mean([error(test) for _, test in folds])
    dealt = deal(labels, groups, (0.1, 0.1), 5, [0])
    ours = np.mean([error(np.flatnonzero(dealt[groups] == split)) for split in (1, 2)])
    assert ours <= theirs


def test_classes_in_few_groups() -> None:
    held = {
        "one": [0] * 9,
        "two a": [1] * 5,
        "two b": [1] * 4,
        "three a": [2] * 3,
        "three b": [2] * 3,
        "three c": [2] * 3,
    }
    many = {f"many {number}": [3] * 4 for number in range(20)}
    labels = [label for group in (held | many).values() for label in group]
    names = [name for name, group in (held | many).items() for _ in group]
    source = images(labels, names)
    split = divide(source)
    counts = {name: np.bincount(source.labels[getattr(split, name)], minlength=4) for name in SPLITS}
    assert [counts[name][0] for name in SPLITS] == [9, 0, 0]
    assert [counts[name][1] > 0 for name in SPLITS] == [True, True, False]
    assert [counts[name][2] for name in SPLITS] == [3, 3, 3]
    assert split.notes[0].startswith("26 groups, each whole in one split: ")
    assert "no image of class0 in val: they are in too few groups" in split.notes
    assert "no image of class0, class1 in test: they are in too few groups" in split.notes


def test_no_split_stays_empty_beside_large_groups() -> None:
    source = images([0, 1] * 200 + [0], ["a"] * 200 + ["b"] * 200 + ["c"])
    split = divide(source)
    assert [len(groups_of(source, getattr(split, name))) for name in SPLITS] == [1, 1, 1]


def test_two_groups_make_no_three_splits() -> None:
    with pytest.raises(DataError, match="some class must have at least three groups"):
        divide(images([0, 1] * 20, ["a"] * 20 + ["b"] * 20))


def test_a_given_test_split_is_kept_and_a_torn_group_is_told() -> None:
    parts = ["train"] * 80 + ["test"] * 20
    source = images([0, 1] * 50, [str(number // 4) for number in range(78)] + ["torn"] * 22, parts)
    split = divide(source)
    assert split.test.tolist() == list(range(80, 100))
    assert not groups_of(source, split.train) & groups_of(source, split.val)
    assert any(
        "1 groups are in train and in test" in note or "1 groups are in val and in test" in note for note in split.notes
    )


def test_an_image_without_a_group_is_one_of_its_own() -> None:
    source = images([0, 1] * 30, [""] * 60)
    split = divide(source)
    assert [len(getattr(split, name)) for name in SPLITS] == [48, 6, 6]
    assert split.notes[0].startswith("60 groups")


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    """Sixty films of ten nearly equal frames; what a film shows says nothing about its class."""
    random = np.random.default_rng(0)
    for film in range(60):
        scene = random.integers(0, 256, (8, 8))
        folder = tmp_path / "films" / "ab"[film % 2]
        folder.mkdir(parents=True, exist_ok=True)
        for frame in range(10):
            pixels = np.clip(scene + random.integers(-4, 5, (8, 8)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"film{film:02}_{frame}.png")
    return tmp_path / "films"


def nearest_neighbour_accuracy(config: DataConfig) -> float:
    source = locate(config).read(silent)
    (everything,) = [
        np.concatenate([chunk.images for chunk in source.pixels.chunks(8, 1)]).reshape(600, 64).astype(int)
    ]
    split = partition(source, np.arange(600), config)
    distance = ((everything[split.test][:, None] - everything[split.train][None]) ** 2).sum(axis=2)
    return float((source.labels[split.train][distance.argmin(axis=1)] == source.labels[split.test]).mean())


def test_a_pattern_takes_the_leak_out_of_films(tracks: Path) -> None:
    assert nearest_neighbour_accuracy(DataConfig(source=str(tracks))) > 0.98
    honest = nearest_neighbour_accuracy(DataConfig(source=str(tracks), group_pattern=r"(film\d+)_"))
    assert honest < 0.8


def test_a_column_does_what_a_pattern_does(tracks: Path) -> None:
    names = sorted(path.relative_to(tracks).as_posix() for path in tracks.rglob("*.png"))
    lines = [f"{name},{name[0]},{name[2:8]}" for name in names]
    (tracks / "labels.csv").write_text("path,label,film\n" + "\n".join(lines))
    by_column = locate(DataConfig(source=str(tracks), group_column="film")).read(silent)
    by_pattern = locate(DataConfig(source=str(tracks), group_pattern=r"(film\d+)_")).read(silent)
    assert by_column.groups == by_pattern.groups
    (tracks / "labels.csv").write_text("path,label,group\n" + "\n".join(lines))
    assert locate(DataConfig(source=str(tracks))).read(silent).groups == by_column.groups


def test_names_without_a_group_are_refused(tracks: Path) -> None:
    (tracks / "a" / "stray.png").write_bytes((tracks / "a" / "film00_0.png").read_bytes())
    config = DataConfig(source=str(tracks), group_pattern=r"(film\d+)_")
    with pytest.raises(DataError, match=r"every file name must match .*; 1 do not: a/stray.png"):
        locate(config).read(silent)


@pytest.mark.parametrize(
    ("pattern", "law"), [("film(", "must be a regular expression"), (r"film\d+", "must have a group in parentheses")]
)
def test_a_pattern_that_is_none_is_refused(pattern: str, law: str) -> None:
    with pytest.raises(ValueError, match=law):
        DataConfig(group_pattern=pattern)


@pytest.mark.parametrize("pattern", ["^((a|aa)+)$", "^((([a-z]|[a-y])+)*)[0-9]$"])
def test_a_pattern_that_takes_years_is_refused_in_seconds(tmp_path: Path, pattern: str) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / name / f"{'a' * 80}.png")
    config, began = DataConfig(source=str(tmp_path), group_pattern=pattern.replace("^", "^x/")), time.process_time()
    with pytest.raises(DataError, match=r"data\.group_pattern: .* must be found in a name within 1 s") as raised:
        locate(config).read(silent)
    assert time.process_time() - began < 4
    assert pattern.replace("^", "^x/") in str(raised.value)


def test_a_pattern_is_not_endless() -> None:
    with pytest.raises(ValueError, match="at most 1000 characters"):
        DataConfig(group_pattern="(" * 100_000)


def test_sixty_thousand_groups_are_dealt_in_seconds() -> None:
    labels, groups = np.arange(60_000) % 100, np.arange(60_000)
    dealt = deal(labels, groups, (0.1, 0.1), 100, [0])
    assert np.bincount(dealt).tolist() == [48_000, 6_000, 6_000]
