"""Validation and test that differ by more than chance: found where they do, left in peace where they may not."""

import json
from pathlib import Path

import numpy as np
import pytest
from hpo.training.data.appearance import appearance
from hpo.training.data.config import DataConfig
from hpo.training.data.pack import Pack, open_test
from hpo.training.data.prepare import prepare
from hpo.training.export.find_gap import find_gap, gap_probability
from hpo.training.export.gap import Gap
from hpo.training.export.manifest import Metrics
from PIL import Image
from scipy.stats import binom

RANDOM = np.random.default_rng(0)


def write(folder: Path, count: int, light: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        image = RANDOM.integers(light, light + 100, (16, 16), dtype=np.uint8)
        Image.fromarray(image).save(folder / f"{number}.png")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Ill in 3 of 4 of validation, and in half of the test, which is darker; four of validation are in training."""
    root = tmp_path_factory.mktemp("lungs")
    for part, ill, well, light in (("train", 60, 20, 120), ("val", 60, 20, 120), ("test", 50, 50, 40)):
        write(root / part / "ill", ill, light)
        write(root / part / "well", well, light)
    for number in range(3):
        (root / "val" / "ill" / f"{number}.png").write_bytes((root / "train" / "ill" / f"{number}.png").read_bytes())
    copied = np.asarray(Image.open(root / "train" / "well" / "0.png"))
    Image.fromarray((copied * 0.9).astype(np.uint8)).save(root / "val" / "well" / "0.png")
    return prepare(DataConfig(source=str(root)), cache=tmp_path_factory.mktemp("cache"))


def metrics(val: float | None, test: float, images: int = 100) -> Metrics:
    return Metrics(
        val_accuracy=val,
        val_loss=None,
        test_accuracy=test,
        test_interval=(0, 1),
        test_loss=1,
        test_images=images,
        test_opening=1,
    )


def test_what_can_be_seen_is_told(pack: Pack, tmp_path: Path) -> None:
    tested = appearance(open_test(pack, "a test", tmp_path / "log").images)
    gap = find_gap(metrics(0.975, 0.7), pack, 12, tested)
    assert gap is not None
    assert (gap.class_name, gap.class_share) == ("ill", (0.75, 0.5))
    assert gap.brightness == pytest.approx((169.5 / 255, 89.5 / 255), abs=0.01)
    assert gap.contrast == pytest.approx((28.9 / 255, 28.9 / 255), abs=0.01)
    assert (gap.shared, gap.nearly_shared, gap.chosen_among) == (3, 1, 12)
    text = "\n".join(gap.lines())
    assert "validation 0.9750 (80 images) and test 0.7000 (100 images) differ by more than chance" in text
    assert "the choice among 12 configurations explain" in text
    assert "classes: ill is 75.0% in validation, 50.0% in test" in text
    assert "copies: 3 validation images are in the training images, too, 1 more nearly" in text
    assert Gap.model_validate(json.loads(gap.model_dump_json())) == gap


def test_what_was_kept_without_a_look_at_the_test_says_less(pack: Pack) -> None:
    gap = find_gap(metrics(0.975, 0.7), pack, 1, None)
    assert gap is not None
    assert gap.brightness is None
    assert "by more than chance explains" in next(gap.lines())
    assert not any("brightness" in line for line in gap.lines())


@pytest.mark.parametrize(
    ("val", "test", "among"),
    [
        (0.95, 0.95, 1),
        (0.95, 0.90, 1),
        (0.975, 0.88, 50),  # of fifty one is so high by chance; of one it is not, see below
        (None, 0.1, 1),
    ],
)
def test_chance_and_choice_are_left_in_peace(pack: Pack, val: float | None, test: float, among: int) -> None:
    assert find_gap(metrics(val, test), pack, among, None) is None


def test_what_choice_explains_is_told_where_nothing_was_chosen(pack: Pack) -> None:
    assert find_gap(metrics(0.975, 0.88), pack, 1, None) is not None


def test_a_test_that_is_too_good_is_told_as_well(pack: Pack) -> None:
    assert find_gap(metrics(0.6, 0.95), pack, 1, None) is not None


def test_pneumonia_mnist() -> None:
    """Its validation and test, as a search on it reported them: 0.971 of 524, 0.821 of 624."""
    assert gap_probability((509, 512), (524, 624), 100) < 1e-10


def test_the_best_of_many_equal_ones_is_seldom_told() -> None:
    """At most one time in twenty, whatever the number: forty configurations that are all right in 9 of 10."""
    random = np.random.default_rng(0)
    best = binom.rvs(180, 0.9, size=(400, 40), random_state=random).max(axis=1)
    tests = binom.rvs(180, 0.9, size=400, random_state=random)
    pairs = list(zip(best.tolist(), tests.tolist(), strict=True))
    told = {among: sum(gap_probability(pair, (180, 180), among) < 0.05 for pair in pairs) for among in (1, 40)}
    assert told[40] <= 0.05 * 400 < told[1]
