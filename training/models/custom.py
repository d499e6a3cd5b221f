"""A user's own model, `path/to/file.py:name`.

Loaded once per version of the file; errors name their line.
"""

import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ...errors import TrainingError, nearest
from .arguments import call_arguments
from .config import CustomModel
from .registry import MODELS, ModelFactory
from .source import read_source, require_named, source_digest, split_name


@dataclass(frozen=True, slots=True)
class _Loaded:
    module: ModuleType
    registered: set[str]


class _Imports:
    """The folder from which a user's file can import: its own alone.

    A study may keep two versions of one file, each with a module `blocks` beside it.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._is_ours = False

    def enter(self, folder: Path) -> None:
        """Let files in `folder` be imported, as they are now.

        The folder is last on the path, so that it shadows nothing.
        """
        if self._is_ours:
            sys.path.remove(str(self.folder))
            # modules of the former folder: another file's `blocks` must not serve for this one's
            for name in filter(self._has, tuple(sys.modules)):
                del sys.modules[name]
        self.folder, self._is_ours = folder, str(folder) not in sys.path
        if self._is_ours:
            sys.path.append(str(folder))

    def _has(self, name: str) -> bool:
        """Whether a module comes from the folder, or a package in it.

        An environment below the folder is not meant.
        """
        top = sys.modules.get(name.partition(".")[0])
        origins = (getattr(top, "__file__", None), *getattr(top, "__path__", ()))
        return not name.startswith(_PREFIX) and any(origin and Path(origin).parent == self.folder for origin in origins)


@contextmanager
def _without_bytecode() -> Iterator[None]:
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


_PREFIX = "hpo_user_"
_imports = _Imports()
_loaded: dict[Path, tuple[str, _Loaded]] = {}


def build_custom(config: CustomModel, *, num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """Build the user's model with its arguments.

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
    """Initialise lazy layers by blank images of `shape`.

    They learn their sizes from the first images that they see.
    """
    if any(map(is_lazy, (*model.parameters(), *model.buffers()))):
        model.eval()  # running means must not learn from blanks
        with torch.no_grad():
            model(torch.zeros(shape))
        model.train()


def describe_error(error: BaseException, path: Path) -> str:
    """Return where and how a user's code failed: `file.py:12: NameError: ...`.

    The line is the innermost of the user's file that raised or called what raised.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: SyntaxError: {error.msg}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == path]
    position = f"{path}:{lines[-1]}" if lines else str(path)
    return f"{position}: {type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"


def _load(path: Path, config: CustomModel) -> _Loaded:
    """Return the module of a user's file, running it again after a change.

    Raises:
        TrustError: the user has neither named nor allowed the file as it is now.
    """
    content, digest = read_source(config.name), source_digest(config.name)
    cached = _loaded.get(path)
    if cached and cached[0] == digest and path.parent == _imports.folder:
        return cached[1]
    require_named(config, content)
    for other in [other for other in _loaded if other == path or other.parent != path.parent]:
        MODELS.forget(_loaded.pop(other)[1].registered)
    _imports.enter(path.parent)
    _loaded[path] = (digest, _execute(path, config.name, content, digest))
    return _loaded[path][1]


def _execute(path: Path, name: str, content: bytes, digest: str) -> _Loaded:
    """Run `content` as a module.

    The very bytes that were judged: an import would take compiled ones from beside the file.
    """
    module_name = f"{_PREFIX}{path.stem}_{digest[:12]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise TrainingError(f"model {name}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and pickle look a class's module up
    registered_before = set(MODELS.names())
    try:
        with _without_bytecode():  # a kept copy stays as it was kept
            exec(compile(content, path, "exec", dont_inherit=True), vars(module))
    except Exception as error:
        del sys.modules[module_name]
        MODELS.forget(set(MODELS.names()) - registered_before)
        raise TrainingError(f"model {name}: {describe_error(error, path)}") from error
    return _Loaded(module, set(MODELS.names()) - registered_before)


def _find(loaded: _Loaded, path: Path, name: str) -> ModelFactory:
    """Return the registered name or attribute of the user's file."""
    if name in loaded.registered:
        return MODELS.find(name)
    factory: ModelFactory | None = getattr(loaded.module, name, None)
    if factory is not None and callable(factory):
        return factory
    own = {n for n, value in vars(loaded.module).items() if getattr(value, "__module__", "") == loaded.module.__name__}
    choices = {n for n in own if not n.startswith("_")} | loaded.registered
    hint = nearest(name, choices) if choices else "the file defines no class or function"
    raise TrainingError(f"model {path}:{name}: the file has no {name}; {hint}")
