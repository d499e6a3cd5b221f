"""The model itself, from its source and the weights in model.pt2: for formats that a program cannot be turned into."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor

from ....common.onnx_weights import read_onnx
from ...config import TrialConfig
from ...machine.seeding import seeded
from ...models.registry import build_model
from ..classifier import Classifier
from ..names import ONNX, PROGRAM

_AS_JSON = frozenset({"image_size", "channels", "mean", "std", "class_names", "temperature"})


def facts(folder: Path) -> dict[str, Any]:
    """What model.onnx in `folder` says of itself: classes, preprocessing, versions."""
    model = onnx.load_model_from_string(read_onnx(folder / ONNX))
    told = {entry.key: entry.value for entry in model.metadata_props}
    return {key: json.loads(value) if key in _AS_JSON else value for key, value in told.items()}


def weights(folder: Path) -> dict[str, Tensor]:
    """Every weight and buffer of model.pt2 in `folder`, by its name in a `Classifier`."""
    program = torch.export.load(folder / PROGRAM)
    constants = {name: value for name, value in program.constants.items() if isinstance(value, Tensor)}
    return {name: value.detach().contiguous() for name, value in {**constants, **program.state_dict}.items()}


def rebuild(config: TrialConfig, known: Mapping[str, Any], state: Mapping[str, Tensor]) -> Classifier:
    """The model of `config`, for the classes and images that `known` tells of (see `facts`), with the weights `state`.

    Raises:
        TrainingError: the model cannot be built, for example because a user's file is gone.
        RuntimeError: the weights are not those of the model.
    """
    # note: a buffer that is drawn but not saved is drawn as in training
    with seeded(config.seed, 0, torch.device("cpu")):
        model = build_model(
            config.model,
            num_classes=len(known["class_names"]),
            in_channels=known["channels"],
            image_size=known["image_size"],
        )
    classifier = Classifier(model, known["mean"], known["std"])
    own = classifier.state_dict().keys()
    classifier.load_state_dict({name: tensor for name, tensor in state.items() if name in own})
    return classifier
