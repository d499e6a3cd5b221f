"""What every room's tests share: the embedded digits, packed once, and a small configuration that trains in seconds."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: two threads that wait for each other are slower here

from hpo.training.config import DataConfig, TrialConfig
from hpo.training.data.prepare import prepare


@pytest.fixture(scope="session")
def digits_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits, packed."""
    return prepare(DataConfig(source="digits"), cache=tmp_path_factory.mktemp("cache")).path


@pytest.fixture(scope="session")
def small_config() -> Callable[..., TrialConfig]:
    """A function that makes a small configuration on digits; keyword arguments replace whole sections."""

    def make(**sections: Any) -> TrialConfig:
        tree: dict[str, Any] = {
            "data": {"source": "digits", "batch_size": 128},
            "model": {"name": "simple_cnn", "width": 8},
            "optimizer": {"name": "adamw", "lr": 3e-3},
            "budget": {"epochs": 3},
        }
        return TrialConfig.model_validate({**tree, **sections})

    return make
