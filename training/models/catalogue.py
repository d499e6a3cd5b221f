"""The models that `hpo models` lists: size, cost and weights."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from importlib import import_module
from typing import Any

from ...errors import TrainingError
from .build import build_model
from .config import SECTIONS, CustomModel, ModelConfig, OfTheZoo, Published, PublishedModel
from .meta import build_on_meta, flops


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model as `hpo models` lists it.

    `name` is `model` or `model/arch`; `parameters` and `flops` (of a forward pass of one image, two per multiply-add)
    are None where it cannot be built for the images, and `note` says why; `weights` names what `pretrained` may be, the
    default last.
    """

    name: str
    parameters: int | None = None
    flops: int | None = None
    weights: tuple[str, ...] = ()
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the object that `hpo models --json` prints."""
        return asdict(self)


def find_models(pattern: str | None) -> dict[str, ModelConfig]:
    """Return the models whose name has `pattern` in it; None: hpo's own.

    Or fits it, where it has `*` or `?`.

    A pattern `path/to/file.py:Name` is a user's model.

    Raises:
        TrainingError: there is none.
    """
    if pattern is not None and ".py:" in pattern:
        return {pattern: CustomModel(name=pattern)}
    if pattern is None:
        return _own()
    models = {name: config for name, config in (_own() | _published()).items() if _fits(name, pattern)}
    if not models:
        raise TrainingError(f"model: no name has {pattern!r} in it; try resnet, convnext, vit, torchvision/ or timm/")
    return models


def library_sizes() -> dict[str, int]:
    """Count the architectures of each library; 0 where it is not installed."""
    return {name: len(_library(name).archs()) for name in _libraries()}


def facts_of(
    models: dict[str, ModelConfig], *, num_classes: int, in_channels: int, image_size: int
) -> Iterator[ModelFacts]:
    """Yield the facts of each of `models` for images of this size.

    `image_size` is in pixels a side.
    """
    for name, config in models.items():
        shape = {"num_classes": num_classes, "in_channels": in_channels, "image_size": image_size}
        try:
            yield _facts(name, config, shape)
        except TrainingError as error:
            if isinstance(config, CustomModel):
                raise
            yield ModelFacts(name, weights=_weights(config), note=str(error).splitlines()[0])
        except Exception as error:  # libraries refuse images with whatever error they happen to meet
            if isinstance(config, CustomModel):
                raise TrainingError(f"model {name}: {type(error).__name__}: {error}") from error
            yield ModelFacts(name, weights=_weights(config), note=f"not for images of {image_size} px")


def _facts(name: str, config: ModelConfig, shape: dict[str, int]) -> ModelFacts:
    # a user's code may compute with its weights as it builds, which the meta device cannot
    model = (
        build_model(config, **shape).to("meta") if isinstance(config, CustomModel) else build_on_meta(config, **shape)
    )
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return ModelFacts(name, parameters, flops(model, shape["in_channels"], shape["image_size"]), _weights(config))


def _own() -> dict[str, ModelConfig]:
    sections = {name: section for name, section in SECTIONS.items() if issubclass(section, OfTheZoo)}
    return {f"{name}{size}": config for name, section in sections.items() for size, config in section.sizes().items()}


def _published() -> dict[str, ModelConfig]:
    return {
        f"{name}/{arch}": section(arch=arch)
        for name, section in _libraries().items()
        for arch in _library(name).archs()
    }


def _libraries() -> dict[str, type[PublishedModel]]:
    return {name: section for name, section in SECTIONS.items() if issubclass(section, Published)}


def _library(name: str) -> Any:
    """Return the module for the library `name`: `archs()` and `weight_names(arch)`."""
    return import_module(f".{name}", __package__)


def _fits(name: str, pattern: str) -> bool:
    if any(sign in pattern for sign in "*?["):
        return fnmatch(name, pattern) or fnmatch(name.partition("/")[2], pattern)
    return pattern in name


def _weights(config: ModelConfig) -> tuple[str, ...]:
    return tuple(_library(config.name).weight_names(config.arch)) if isinstance(config, PublishedModel) else ()
