"""A look at a configuration before a study spends hours on it."""

import torch

from ..errors import TrainingError
from .config import CustomModel, TrialConfig
from .data.pack import Pack
from .learner import Learner
from .memory import is_out_of_memory
from .models.custom import describe_error, split_name

_IMAGES = 2


def check_model(config: TrialConfig, pack: Pack, device: str = "cpu") -> None:
    """Build the model for the images of `pack` and train it for one step on two blank ones.

    Raises:
        TrainingError: the model cannot be built, fails on these images, or its output is not [B, classes].
    """
    learner = Learner.create(config, pack, torch.device(device))
    shape = (_IMAGES, pack.channels, pack.image_size, pack.image_size)
    images = torch.zeros(shape, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(_IMAGES, dtype=torch.int64, device=device)
    try:
        with torch.no_grad(), learner.precision.autocast():
            logits = learner.model(images)
        _check_logits(config.model.name, logits, (_IMAGES, len(pack.class_names)))
        learner.step(images, labels, lr=0.0)
    except TrainingError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise  # says nothing about the model
        raise TrainingError(f"model {config.model.name} on images {list(shape)}: {_describe(config, error)}") from error


def _check_logits(name: str, logits: object, wanted: tuple[int, int]) -> None:
    got = list(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if got != list(wanted):
        raise TrainingError(f"model {name}: must give logits [batch, classes], here {list(wanted)}, got {got}")


def _describe(config: TrialConfig, error: Exception) -> str:
    if isinstance(config.model, CustomModel):
        return describe_error(error, split_name(config.model.name)[0])
    return str(error).strip().splitlines()[0]
