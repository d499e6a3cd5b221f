"""Proposals of a sampler that is imported, `module:Class`."""

import inspect
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from ....errors import SpaceError, nearest
from ....spaces.space import SearchSpace
from ..base import Setting
from ..imported_name import ImportedName, content_of, parse_import, require_import
from ..samplers.registry import SAMPLERS
from ..trial_seed import trial_seed
from .freeze import Freeze, Params
from .optuna import OptunaProposer

Make = Callable[..., object]


class FreezeAttributes(Freeze):
    """Gives trials the attributes that a sampler of this process has written on them: some find their state there."""

    def __init__(self, space: SearchSpace, objectives: int) -> None:
        super().__init__(space, objectives=objectives)
        self._attributes: dict[int, dict[str, Any]] = {}

    def note(self, trial: FrozenTrial) -> None:
        """Keep the attributes of a trial that was drawn."""
        self._attributes[trial.number] = dict(trial.system_attrs)

    def _trial(self, number: int, params: Params, **rest: Any) -> FrozenTrial:
        return super()._trial(number, params, system_attrs=self._attributes.get(number), **rest)


def imported(setting: Setting, sampler: str) -> OptunaProposer:
    """Make the proposer of `module:Name`, a class of Optuna's samplers or a function that makes one.

    It is made anew for each trial, with a `seed` where it takes one.

    Raises:
        SpaceError: there is no such module or name, it makes no sampler, or the user has not named it.
        ImportError: it needs a package that cannot be imported.
    """
    named = parse_import(sampler)
    require_import(named)
    make = _find(named, _load(named))

    def build(number: int) -> BaseSampler:
        return _build(named, make, trial_seed(setting.seed, number))

    build(0)  # what is wrong with it is told now
    return OptunaProposer(setting, build, freeze=FreezeAttributes(setting.space, len(setting.directions)))


def _build(named: ImportedName, make: Make, seed: int) -> BaseSampler:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # who names one knows, and is told for every trial
            made = make(seed=seed) if "seed" in inspect.signature(make).parameters else make()
    except TypeError as error:
        what = "it is called with a seed, if it has one, alone; write a function in a file of yours that makes it"
        raise SpaceError(f"{named}: cannot be made: {error}\n  {what}") from error
    if not isinstance(made, BaseSampler):
        raise SpaceError(f"{named}: must give an optuna.samplers.BaseSampler, got {type(made).__name__}")
    return made


def _load(named: ImportedName) -> ModuleType:
    if named.file is not None:
        return _execute(named)
    try:
        return import_module(named.module)
    except ModuleNotFoundError as error:
        if error.name and (named.module == error.name or named.module.startswith(f"{error.name}.")):
            hint = nearest(named.module.partition(".")[0], SAMPLERS)
            raise SpaceError(f"{named}: there is no module {error.name}; of the samplers by name, {hint}") from error
        raise


def _execute(named: ImportedName) -> ModuleType:
    """Run the very bytes that were judged: an import would take compiled ones from beside the file."""
    module = ModuleType(f"hpo_sampler_{named.file.stem}" if named.file else named.module)
    module.__file__ = str(named.file)
    sys.modules[module.__name__] = module  # dataclasses and pickle look a class's module up
    if named.file and (folder := str(named.file.parent)) not in sys.path:
        sys.path.append(folder)  # last, so that it shadows nothing
    try:
        exec(compile(content_of(named), str(named.file), "exec", dont_inherit=True), vars(module))
    except ImportError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(named.file)]
        line = lines[-1] if lines else getattr(error, "lineno", 1)
        reason = str(error).partition("\n")[0]
        raise SpaceError(f"{named}: {named.file}:{line}: {type(error).__name__}: {reason}") from error
    return module


def _find(named: ImportedName, module: ModuleType) -> Make:
    thing = getattr(module, named.name, None)
    if isinstance(thing, type) and not issubclass(thing, BaseSampler):
        raise SpaceError(f"{named}: must be an optuna.samplers.BaseSampler; {_choices(named, module)}")
    if thing is None or not callable(thing):
        raise SpaceError(f"{named}: {named.file or named.module} has no such class; {_choices(named, module)}")
    return thing


def _choices(named: ImportedName, module: ModuleType) -> str:
    samplers: Iterable[str] = {
        name for name, value in vars(module).items() if isinstance(value, type) and issubclass(value, BaseSampler)
    }
    return nearest(named.name, samplers) if samplers else "there is no sampler in it"
