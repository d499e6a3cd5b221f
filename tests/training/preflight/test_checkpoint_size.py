"""The estimated size of checkpoints, against files that a training leaves."""

from collections.abc import Callable
from itertools import count
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hpo.training.checkpoints.files import BEST, LAST, PARTIAL
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.optim.optimizers import OPTIMIZERS
from hpo.training.preflight.checkpoint_size import checkpoint_bytes
from hpo.training.report import Signal
from hpo.training.train import train

Make = Callable[..., TrialConfig]


@pytest.mark.parametrize(
    "sections",
    [
        *({"optimizer": {"name": name}} for name in OPTIMIZERS),
        {"optimizer": {"name": "rmsprop", "momentum": 0.9, "centered": True}},
        {"optimizer": {"name": "sgd", "momentum": 0.0}},
        {"ema": {"decay": 0.9}},
    ],
    ids=str,
)
def test_it_is_near_what_a_training_leaves(
    sections: dict[str, Any], small_config: Make, digits_pack: Path, tmp_path: Path
) -> None:
    pack = Pack.open(digits_pack)
    model = {"name": "simple_cnn", "width": 48}
    config = small_config(**{"model": model, "budget": {"epochs": 2}, **sections})
    asked = count()

    def signal() -> Signal:  # within the second epoch
        return Signal.PAUSE if next(asked) > 1.5 * batches else Signal.CONTINUE

    batches = ceil(pack.size("train") / config.data.batch_size)
    list(train(config, pack=digits_pack, directory=tmp_path, device="cpu", signal=signal))
    left = sum((tmp_path / name).stat().st_size for name in (LAST, PARTIAL, BEST))
    estimated = checkpoint_bytes([config], pack)
    assert estimated is not None
    # Muon keeps one number for each weight of a hidden matrix, and is taken for Adam
    assert left <= estimated <= 1.4 * left


def test_the_largest_counts_and_a_model_that_cannot_be_built_does_not(small_config: Make, digits_pack: Path) -> None:
    pack = Pack.open(digits_pack)
    small, large = (small_config(model={"name": "simple_cnn", "width": width}) for width in (8, 16))
    broken = small_config(model={"name": "no_file.py:Net"})
    wanted = checkpoint_bytes([large], pack)
    assert checkpoint_bytes([small, large, broken], pack) == wanted
    assert wanted is not None
    assert wanted > checkpoint_bytes([small], pack)
    assert checkpoint_bytes([broken], pack) is None
