"""Models by name: built-in ones and a user's own.

The built-in ones are those that the sections of `ModelConfig` name.

    @register_model("my_net")
    class MyNet(nn.Module):
        def __init__(self, num_classes: int, in_channels: int, hidden: int = 64) -> None: ...

A model is anything that can be called with `num_classes`, `in_channels`, where it takes it `image_size`, and its own
arguments, and gives an `nn.Module` from images [B, C, H, W] to logits [B, num_classes].
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ...common.registry import Registry
from ...errors import TrainingError
from .config import SECTIONS

if TYPE_CHECKING:
    from torch import nn

ModelFactory = Callable[..., "nn.Module"]
Factory = TypeVar("Factory", bound=ModelFactory)

# a built-in model is in the module of its name
MODELS: Registry[ModelFactory] = Registry(
    "model", error=TrainingError, modules={name: f"{__package__}.{name}" for name in SECTIONS}
)


def register_model(name: str) -> Callable[[Factory], Factory]:
    """Make the decorated class or function known as model `name`.

    Raises:
        TrainingError: the name is taken.
    """

    def register(factory: Factory) -> Factory:
        MODELS.add(name, factory)
        return factory

    return register
