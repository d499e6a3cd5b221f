"""A space file, by path or name, to a SearchSpace."""

from collections.abc import Sequence
from functools import reduce

from pydantic import BaseModel

from .document import parse_file
from .find import Source, find
from .idle import refuse_idle
from .override import override
from .probe import probe
from .space import SearchSpace
from .walk import Found, walk


def load_space(source: str, target: type[BaseModel], overrides: Sequence[str] = ()) -> SearchSpace:
    """The search space that the file `source` describes for the configuration `target`.

    Args:
        source: a path, or a name that is looked up in the working directory, then among the bundled spaces.
        target: the model that the file mirrors; the space's configurations are valid instances of it.
        overrides: changes as `key=value`, applied in order.

    Raises:
        SpaceError: the file or a change says something that cannot be, with its place and key.
    """
    space, found = _read(find(source), target, overrides)
    refuse_idle(found)
    return space


def load_source(file: Source, target: type[BaseModel], overrides: Sequence[str] = ()) -> SearchSpace:
    """Like `load_space`, from the text of a space wherever it comes from; JSON is YAML too.

    A configuration that was saved is whole, so that what has no effect in it may stand there.

    Raises:
        SpaceError: the text or a change says something that cannot be.
    """
    return _read(file, target, overrides)[0]


def _read(file: Source, target: type[BaseModel], overrides: Sequence[str]) -> tuple[SearchSpace, Found]:
    root = reduce(lambda tree, text: override(tree, target, text), overrides, parse_file(file.text, file.place))
    found = walk(root, target)
    space = SearchSpace(file.name, tuple(found.parameters), tuple(found.values))
    probe(space, target, found.places, root.place)
    return space, found
