from pathlib import Path

from hpo.common.preprocess import STEPS
from hpo.training.data.pack import Pack
from hpo.training.data.preprocessing import Preprocessing


def test_it_tells_the_rule_and_the_models_own_sizes(digits_pack: Path) -> None:
    told = Preprocessing.of(Pack.open(digits_pack))
    assert told.steps == STEPS
    assert (told.image_size, told.channels, told.color_mode) == (8, 1, "L")
    assert Preprocessing.model_validate_json(told.model_dump_json()) == told


def test_what_exports_and_runs_said_before_is_read() -> None:
    before = {
        "image_size": 8,
        "channels": 1,
        "color_mode": "L",
        "resize": "centre square, bicubic with antialiasing",
        "input": "images: uint8 [N, 1, 8, 8], pixels 0 to 255 as decoded; the model normalises them itself",
        "mean": [0.3],
        "std": [0.4],
    }
    assert Preprocessing.model_validate(before).steps == ("centre square, bicubic with antialiasing",)
    assert "resize" in before
