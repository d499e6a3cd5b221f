from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.export.classifier import Classifier
from hpo.training.models.build import build_model


@pytest.fixture(scope="session")
def digits(digits_pack: Path) -> Pack:
    return Pack.open(digits_pack)


@pytest.fixture(scope="session")
def make_classifier(digits: Pack, quick_exports: None) -> Callable[[TrialConfig], Classifier]:
    """A function that gives an untrained classifier of digits, the same for equal configurations."""

    def make(config: TrialConfig) -> Classifier:
        torch.manual_seed(0)
        model = build_model(config.model, num_classes=10, in_channels=1, image_size=8)
        return Classifier(model, digits.mean, digits.std)

    return make
