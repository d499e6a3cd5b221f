"""A model rebuilt from its source and the weights in model.pt2.

For formats that a program cannot be turned into.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor

from ...common.onnx_weights import read_onnx
from ..config import TrialConfig
from ..machine.seeding import seeded
from ..models.build import build_model
from .classifier import Classifier
from .names import ONNX, PROGRAM

_AS_JSON = frozenset({"image_size", "channels", "mean", "std", "class_names", "temperature"})


def facts(folder: Path) -> dict[str, Any]:
    """Return the metadata of model.onnx: classes, preprocessing, versions."""
    model = onnx.load_model_from_string(read_onnx(folder / ONNX))
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    return {key: json.loads(value) if key in _AS_JSON else value for key, value in metadata.items()}


def weights(folder: Path) -> dict[str, Tensor]:
    """Return the weights and buffers of model.pt2, by `Classifier` name."""
    program = torch.export.load(folder / PROGRAM)
    constants = {name: value for name, value in program.constants.items() if isinstance(value, Tensor)}
    return {name: value.detach().contiguous() for name, value in {**constants, **program.state_dict}.items()}


def rebuild(config: TrialConfig, metadata: Mapping[str, Any], state: Mapping[str, Tensor]) -> Classifier:
    """Build the model of `config` with the weights `state`.

    For the classes and images in `metadata` (see `facts`).

    Raises:
        TrainingError: the model cannot be built, for example because a user's file is gone.
        RuntimeError: the weights are not those of the model.
    """
    # note: a buffer that is drawn but not saved is drawn as in training
    with seeded(config.seed, 0, torch.device("cpu")):
        model = build_model(
            config.model,
            num_classes=len(metadata["class_names"]),
            in_channels=metadata["channels"],
            image_size=metadata["image_size"],
        )
    classifier = Classifier(model, metadata["mean"], metadata["std"])
    names = classifier.state_dict().keys()
    # a program also has constants that are no weights of the model
    classifier.load_state_dict({name: tensor for name, tensor in state.items() if name in names})
    return classifier
