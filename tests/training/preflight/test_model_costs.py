"""The cost of models from their shapes."""

from collections.abc import Callable
from pathlib import Path

from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.preflight.model_costs import model_costs


def test_a_wider_model_costs_more(digits_pack: Path, small_config: Callable[..., TrialConfig]) -> None:
    models = ({"name": "simple_cnn", "width": width} for width in (8, 16, 8))
    narrow, wide, again = model_costs([small_config(model=model) for model in models], Pack.open(digits_pack))
    assert narrow is not None
    assert wide is not None
    assert wide > narrow
    assert again == narrow


def test_a_model_that_cannot_be_built_without_numbers_has_none(
    digits_pack: Path, small_config: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    file = tmp_path / "model.py"
    file.write_text("def build(**shape):\n    raise RuntimeError('not today')\n")
    assert model_costs([small_config(model={"name": f"{file}:build"})], Pack.open(digits_pack)) == [None]
