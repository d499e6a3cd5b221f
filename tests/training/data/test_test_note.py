"""What a small test split will be worth is said before anything is trained."""

from pathlib import Path

import numpy as np
import pytest
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.survey import inspect_data
from hpo.training.data.prepare import prepare
from hpo.training.data.test_note import WIDE, expected_width
from hpo.training.data.test_note import test_note as told
from PIL import Image


@pytest.mark.parametrize(("images", "points"), [(24, 24), (100, 12), (180, 9), (624, 4.7), (10_000, 1.2)])
def test_the_width_is_that_of_the_wilson_interval(images: int, points: float) -> None:
    right, z = round(0.9 * images) / images, 1.959964
    half = z * np.sqrt(right * (1 - right) / images + z**2 / (4 * images**2)) / (1 + z**2 / images)  # Wilson (1927)
    assert expected_width(images) == pytest.approx(2 * half)
    assert 100 * expected_width(images) == pytest.approx(points, abs=0.5)


def test_advice_is_given_where_the_interval_is_wide_and_keeps_what_it_promises() -> None:
    assert told(180, DataConfig(), ()) == (
        "the test split has 180 images: the 95 % interval of an accuracy of 90 % will be 9 points wide"
    )
    assert told(60, DataConfig(), ("train", "val")).endswith(
        "15 points wide; give more test images, or --set data.test_fraction=0.25 (about 150 images, 10 points)"
    )
    assert expected_width(150) <= WIDE < expected_width(120)
    assert told(24, DataConfig(), ()).endswith("--set data.test_fraction=0.3 (about 72 images, 14 points)")


@pytest.mark.parametrize(("fraction", "given"), [(0.1, ("train", "test")), (0.3, ())])
def test_what_no_setting_helps_is_left_to_the_owner(fraction: float, given: tuple[str, ...]) -> None:
    assert told(24, DataConfig(test_fraction=fraction), given).endswith("24 points wide; give more test images")


def test_a_look_at_the_data_says_it_and_the_setting_does_it(tmp_path: Path) -> None:
    for part, count in (("train", 120), ("val", 80)):
        for shade, name in enumerate("ab"):
            (tmp_path / "data" / part / name).mkdir(parents=True)
            for number in range(count):
                image = Image.new("L", (4, 4), number + 100 * shade)
                image.save(tmp_path / "data" / part / name / f"{number}.png")
    config = DataConfig(source=str(tmp_path / "data"))
    (advice,) = [text for text in inspect_data(config).suggestions if "test split" in text]
    assert advice.startswith("The test split has 24 images: the 95 % interval")
    assert "--set data.test_fraction=0.3 (about 72 images" in advice
    larger = prepare(config.model_copy(update={"test_fraction": 0.3}), cache=tmp_path / "cache")
    assert larger.size("test") == 72
    assert not any("test split" in text for text in inspect_data(DataConfig(source="digits")).suggestions)
