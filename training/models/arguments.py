"""The keyword arguments of a model: its own and the data's."""

import inspect
from typing import Any

from ...common.registry import place_of
from ...errors import TrainingError, nearest
from .registry import ModelFactory

_FROM_DATA = ("num_classes", "in_channels", "image_size")


def call_arguments(
    factory: ModelFactory, name: str, own: dict[str, Any], from_data: tuple[int, int, int]
) -> dict[str, Any]:
    """Return the keyword arguments for `factory`.

    Its own, and those of (num_classes, in_channels, image_size) that it takes.

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
            raise TrainingError(f"model {name}: must take num_classes and in_channels; {place_of(factory)} lacks {key}")
    arguments = {**dict(zip(_FROM_DATA, from_data, strict=True)), **own}
    if "image_size" not in named:
        del arguments["image_size"]
    missing = [n for n in named if parameters[n].default is inspect.Parameter.empty and n not in arguments]
    if missing:
        raise TrainingError(f"model {name}: needs the argument {', '.join(sorted(missing))}; give it beside the name")
    return arguments
