"""Models by name: the built-in ones, which the sections of `ModelConfig` name, and a user's own.

    @register_model("my_net")
    class MyNet(nn.Module):
        def __init__(self, num_classes: int, in_channels: int, hidden: int = 64) -> None: ...

A model is anything that can be called with `num_classes`, `in_channels`, where it takes it `image_size`, and its own
arguments, and gives an `nn.Module` from images [B, C, H, W] to logits [B, num_classes].
"""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from torch import nn

from ...errors import TrainingError, nearest
from .config import SECTIONS, CustomModel, FineTuned, ModelConfig

ModelFactory = Callable[..., nn.Module]
Factory = TypeVar("Factory", bound=ModelFactory)

_FROM_DATA = ("num_classes", "in_channels", "image_size")
_models: dict[str, ModelFactory] = {}


def register_model(name: str) -> Callable[[Factory], Factory]:
    """Make the decorated class or function known as model `name`.

    Raises:
        TrainingError: the name is taken.
    """

    def register(factory: Factory) -> Factory:
        if name in _models or (name in SECTIONS and factory.__module__ != f"{__package__}.{name}"):
            raise TrainingError(f"model {name}: a name is registered once, and {_place(find_model(name))} has it")
        _models[name] = factory
        return factory

    return register


def forget_models(names: set[str]) -> None:
    """Take names out of the registry, so that a user's file that has changed can be loaded again."""
    for name in names:
        _models.pop(name, None)


def model_names() -> tuple[str, ...]:
    """Every registered name, sorted."""
    return tuple(sorted({*_models, *SECTIONS}))


def find_model(name: str) -> ModelFactory:
    """The factory registered as `name`.

    Raises:
        TrainingError: there is none; the message names the nearest.
    """
    known = model_names()
    if name not in known:
        raise TrainingError(f"model {name}: unknown; {nearest(name, known)}")
    if name not in _models:  # a built-in one: in the module of its name, imported when it is wanted
        import_module(f".{name}", __package__)
    return _models[name]


def build_model(config: ModelConfig, *, num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """The model `config` describes, with freshly drawn weights (from torch's global generator), on the CPU.

    Args:
        config: a built-in model's section, or a user's `file.py:name` with its arguments.
        num_classes: width of the last layer.
        in_channels: 1 for grey images, 3 for RGB.
        image_size: side of the square images in pixels.

    Raises:
        TrainingError: an unknown name, an argument the model does not take or lacks, or an error in a user's file.
    """
    if isinstance(config, CustomModel):
        from .custom import build_custom  # a user's file imports this module: the door stays light

        return build_custom(config, num_classes=num_classes, in_channels=in_channels, image_size=image_size)
    arguments = config.model_dump(exclude={"name", *FineTuned.model_fields})
    factory = find_model(config.name)
    model = factory(**call_arguments(factory, config.name, arguments, (num_classes, in_channels, image_size)))
    return _tuned(model, config, in_channels) if config.is_tuned else model


def _tuned(net: nn.Module, config: FineTuned, in_channels: int) -> nn.Module:
    from .finetune import Rescale, TunedModel
    from .pretrained import statistics_of

    known = statistics_of(config)
    return TunedModel(net, config, nn.Identity() if known is None else Rescale(known, in_channels))


def call_arguments(
    factory: ModelFactory, name: str, own: dict[str, Any], from_data: tuple[int, int, int]
) -> dict[str, Any]:
    """The keyword arguments for `factory`: its own, and those of (num_classes, in_channels, image_size) it takes.

    Raises:
        TrainingError: `own` has an argument that the data decides or that the factory does not take, or one is missing.
    """
    parameters = inspect.signature(factory).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    named = {n for n, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    for key in own:
        if key in _FROM_DATA:
            raise TrainingError(f"model {name}: {key} comes from the data; remove it from the space")
        if key not in named and not takes_any:
            hint = nearest(key, named - set(_FROM_DATA)) if named - set(_FROM_DATA) else "it takes none of its own"
            raise TrainingError(f"model {name}: does not take the argument {key}; {hint}")
    for key in _FROM_DATA[:2]:
        if key not in named and not takes_any:
            raise TrainingError(f"model {name}: must take num_classes and in_channels; {_place(factory)} lacks {key}")
    arguments = {**dict(zip(_FROM_DATA, from_data, strict=True)), **own}
    if "image_size" not in named:
        del arguments["image_size"]
    missing = [n for n in named if parameters[n].default is inspect.Parameter.empty and n not in arguments]
    if missing:
        raise TrainingError(f"model {name}: needs the argument {', '.join(sorted(missing))}; give it beside the name")
    return arguments


def _place(factory: ModelFactory) -> str:
    """`file.py:Name` of a factory, for messages."""
    module = inspect.getmodule(factory)
    file = getattr(module, "__file__", None) or getattr(factory, "__module__", "?")
    return f"{file}:{getattr(factory, '__qualname__', type(factory).__name__)}"
