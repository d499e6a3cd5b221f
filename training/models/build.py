"""From the section `model` of a configuration to the network."""

from torch import nn

from .arguments import call_arguments
from .config import CustomModel, FineTuned, ModelConfig
from .custom import build_custom
from .finetune import Rescale, TunedModel
from .pretrained import statistics_of
from .registry import MODELS


def build_model(config: ModelConfig, *, num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """Build the model of `config` on the CPU, with freshly drawn weights.

    They come from torch's global generator.

    Args:
        config: a built-in model's section, or a user's `file.py:name` with its arguments.
        num_classes: width of the last layer.
        in_channels: 1 for grey images, 3 for RGB.
        image_size: side of the square images in pixels.

    Raises:
        TrainingError: an unknown name, an argument the model does not take or lacks, or an error in a user's file.
    """
    if isinstance(config, CustomModel):
        return build_custom(config, num_classes=num_classes, in_channels=in_channels, image_size=image_size)
    arguments = config.model_dump(exclude={"name", *FineTuned.model_fields})
    factory = MODELS.find(config.name)
    model = factory(**call_arguments(factory, config.name, arguments, (num_classes, in_channels, image_size)))
    return _tuned(model, config, in_channels) if config.is_tuned else model


def _tuned(net: nn.Module, config: FineTuned, in_channels: int) -> nn.Module:
    statistics = statistics_of(config)
    return TunedModel(net, config, nn.Identity() if statistics is None else Rescale(statistics, in_channels))
