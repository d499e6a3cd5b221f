"""A user's own model, `path/to/file.py:name`: loaded once per version of the file, errors shown at their line."""

import hashlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ...errors import TrainingError, nearest
from .config import CustomModel
from .registry import ModelFactory, call_arguments, find_model, forget_models, model_names
from .source import read_source, require_named, split_name


@dataclass(frozen=True, slots=True)
class _Loaded:
    module: ModuleType
    registered: set[str]


_loaded: dict[Path, tuple[str, _Loaded]] = {}


def build_custom(config: CustomModel, *, num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """The user's model with its arguments.

    Raises:
        TrainingError: no such file or name, an argument it does not take, or the user's code raised (the message
            shows file and line).
    """
    path, name = split_name(config.name)
    factory = _find(_load(path, config), path, name)
    arguments = call_arguments(factory, config.name, config.arguments, (num_classes, in_channels, image_size))
    try:
        model = factory(**arguments)
        if isinstance(model, nn.Module):
            _settle(model, (2, in_channels, image_size, image_size))
    except Exception as error:
        raise TrainingError(f"model {config.name}: {describe_error(error, path)}") from error
    if not isinstance(model, nn.Module):
        raise TrainingError(f"model {config.name}: must give a torch.nn.Module, got {type(model).__name__}")
    return model


def _settle(model: nn.Module, shape: tuple[int, int, int, int]) -> None:
    """Show blank images of `shape` to a model with lazy layers, which learn their sizes from the first they see."""
    if any(map(is_lazy, (*model.parameters(), *model.buffers()))):
        model.eval()  # running means must not learn from blanks
        with torch.no_grad():
            model(torch.zeros(shape))
        model.train()


def describe_error(error: BaseException, path: Path) -> str:
    """`file.py:12: NameError: ...`: the innermost line of the user's file that raised or called what raised."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: SyntaxError: {error.msg}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == path]
    place = f"{path}:{lines[-1]}" if lines else str(path)
    return f"{place}: {type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"


def _load(path: Path, config: CustomModel) -> _Loaded:
    """The module of a user's file; run again only where the file has changed since.

    Raises:
        TrustError: the user has neither named nor allowed the file as it is now.
    """
    content = read_source(config.name)
    digest = hashlib.sha256(content).hexdigest()
    known = _loaded.get(path)
    if known and known[0] == digest:
        return known[1]
    require_named(config, content)
    if known:
        forget_models(known[1].registered)
    _loaded[path] = (digest, _execute(path, config.name, content, digest))
    return _loaded[path][1]


def _execute(path: Path, name: str, content: bytes, digest: str) -> _Loaded:
    """Run `content`, the very bytes that were judged: an import would take compiled ones from beside the file."""
    module_name = f"hpo_user_{path.stem}_{digest[:12]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise TrainingError(f"model {name}: {path} is not a Python file")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # files beside it can be imported; at the end, so that nothing is shadowed
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and pickle look a class's module up
    before = set(model_names())
    try:
        exec(compile(content, path, "exec", dont_inherit=True), vars(module))
    except Exception as error:
        del sys.modules[module_name]
        forget_models(set(model_names()) - before)
        raise TrainingError(f"model {name}: {describe_error(error, path)}") from error
    return _Loaded(module, set(model_names()) - before)


def _find(loaded: _Loaded, path: Path, name: str) -> ModelFactory:
    """The registered name or attribute of the user's file."""
    if name in loaded.registered:
        return find_model(name)
    factory: ModelFactory | None = getattr(loaded.module, name, None)
    if factory is not None and callable(factory):
        return factory
    own = {n for n, value in vars(loaded.module).items() if getattr(value, "__module__", "") == loaded.module.__name__}
    choices = {n for n in own if not n.startswith("_")} | loaded.registered
    hint = nearest(name, choices) if choices else "the file defines no class or function"
    raise TrainingError(f"model {path}:{name}: the file has no {name}; {hint}")
