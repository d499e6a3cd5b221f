"""Things that are found by name: models, samplers, export formats, checks.

    SAMPLERS: Registry[MakeSampler] = Registry("sampler", at="--sampler", modules=modules_beside(__name__))

    @SAMPLERS.register("tpe")
    def tpe(seed: int, number: int) -> Sampler: ...

What registers imports the registry, never the other way round: a registry knows the module of each of its built-in
names, and imports it when that name is looked up. So asking for the names imports nothing, as help texts need it.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Generic, TypeVar

from ..errors import HpoError, SpaceError, nearest

T = TypeVar("T")


class Registry(Generic[T]):
    """The things of one kind, by name.

    Args:
        what: the kind in a word, for messages.
        at: where users name one, such as `--sampler`; "" where there are several such places.
        error: raised for an unknown name and for one that is taken.
        modules: of each built-in name, in the order in which they are listed, the module that registers it.
    """

    def __init__(
        self, what: str, *, at: str = "", error: type[HpoError] = SpaceError, modules: Mapping[str, str] | None = None
    ) -> None:
        self._what, self._at, self._error = what, at, error
        self._modules = dict(modules or {})
        self._things: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Make the decorated thing known as `name`.

        Raises:
            HpoError: the name is taken.
        """

        def decorate(thing: T) -> T:
            self.add(name, thing)
            return thing

        return decorate

    def add(self, name: str, thing: T) -> None:
        """Make `thing` known as `name`.

        Raises:
            HpoError: the name is taken; that of a built-in thing always is, imported or not.
        """
        self._import(name)  # does nothing where this very module is being imported
        if name in self._things:
            holder = place_of(self._things[name])
            raise self._error(f"{self._what} {name}: a name is registered once, and {holder} has it")
        self._things[name] = thing

    def find(self, name: str) -> T:
        """Return what is registered as `name`, imported if need be.

        Raises:
            HpoError: there is none; the message names the nearest.
        """
        self.check(name)
        self._import(name)
        return self._things[name]

    def check(self, name: str) -> None:
        """Refuse a name that is not registered; imports nothing.

        Raises:
            HpoError: there is no such name; the message has the nearest.
        """
        if name not in self:
            at = f"{self._at}: " if self._at else ""
            raise self._error(f"{at}unknown {self._what} {name!r}; {nearest(name, self.names())}")

    def names(self) -> tuple[str, ...]:
        """Return every name: the built-in ones in their order, then others as they were registered."""
        return (*self._modules, *(name for name in self._things if name not in self._modules))

    def forget(self, names: Iterable[str]) -> None:
        """Take names out, so that a user's file that has changed can register them again."""
        for name in names:
            self._things.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._things or name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def _import(self, name: str) -> None:
        if name not in self._things and name in self._modules:
            import_module(self._modules[name])


def modules_beside(module: str) -> dict[str, str]:
    """Return the modules in the folder of `module`, itself left out, in alphabetical order: {last name: whole name}."""
    package, _, own = module.rpartition(".")
    names = sorted(info.name for info in iter_modules(sys.modules[package].__path__))
    return {name: f"{package}.{name}" for name in names if name != own}


def place_of(thing: object) -> str:
    """Return `file.py:Name` of a class, a function or an instance's class, for messages."""
    module = inspect.getmodule(thing)
    file = getattr(module, "__file__", None) or getattr(thing, "__module__", "?")
    return f"{file}:{getattr(thing, '__qualname__', type(thing).__name__)}"
