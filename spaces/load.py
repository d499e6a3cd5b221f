"""A space file, by path or name, to a SearchSpace."""

from collections.abc import Sequence
from functools import reduce

from pydantic import BaseModel

from .document import parse_file
from .find import Source, find
from .override import override
from .probe import probe
from .space import SearchSpace
from .walk import walk


def load_space(source: str, target: type[BaseModel], overrides: Sequence[str] = ()) -> SearchSpace:
    """The search space that the file `source` describes for the configuration `target`.

    Args:
        source: a path, or a name that is looked up in the working directory, then among the bundled spaces.
        target: the model that the file mirrors; the space's configurations are valid instances of it.
        overrides: changes as `key=value`, applied in order.

    Raises:
        SpaceError: the file or a change says something that cannot be, with its place and key.
    """
    return load_source(find(source), target, overrides)


def load_source(file: Source, target: type[BaseModel], overrides: Sequence[str] = ()) -> SearchSpace:
    """Like `load_space`, from the text of a space wherever it comes from; JSON is YAML too.

    Raises:
        SpaceError: the text or a change says something that cannot be.
    """
    root = reduce(lambda tree, text: override(tree, target, text), overrides, parse_file(file.text, file.place))
    found = walk(root, target)
    space = SearchSpace(file.name, tuple(found.parameters), tuple(found.values))
    probe(space, target, found.places, root.place)
    return space
