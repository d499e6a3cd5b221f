"""Loading of a space file to a SearchSpace."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from pydantic import BaseModel

from .document import parse_file
from .find import Source, find
from .forbid import carried, check_left, read_forbidden
from .idle import refuse_idle
from .listed import with_first_of_lists
from .override import override
from .probe import probe
from .space import FORBID, SearchSpace
from .walk import SpaceContent, walk


def load_space(source: str, target: type[BaseModel], overrides: Sequence[str] = ()) -> SearchSpace:
    """Load the space `source` for the configuration `target`.

    The space file mirrors `target`.

    Args:
        source: a path, or a name that is looked up in the working directory, then among the bundled spaces.
        target: the model that the file mirrors; the space's configurations are valid instances of it.
        overrides: changes as `key=value`, applied in order.

    Raises:
        SpaceError: the file or a change says something that cannot be, with its place and key.
    """
    return load_text(find(source), target, overrides)


def load_text(file: Source, target: type[BaseModel], overrides: Sequence[str] = ()) -> SearchSpace:
    """Load a space from its text, by all laws of a space file.

    Raises:
        SpaceError: the text or a change says something that cannot be.
    """
    space, content = _read(file, target, overrides)
    refuse_idle(content)
    return space


def load_source(file: Source, target: type[BaseModel], overrides: Sequence[str] = ()) -> SearchSpace:
    """Load a space from its text, wherever it comes from.

    JSON is YAML too.

    A configuration that was saved is whole, so that what has no effect in it may stand there.

    Raises:
        SpaceError: the text or a change says something that cannot be.
    """
    return _read(file, target, overrides)[0]


def _read(file: Source, target: type[BaseModel], overrides: Sequence[str]) -> tuple[SearchSpace, SpaceContent]:
    # in order: a later --set may change what an earlier one has put there
    own = with_first_of_lists(parse_file(file.text, file.location), target)
    root = reduce(lambda tree, text: with_first_of_lists(override(tree, target, text), target), overrides, own)
    content = walk(root, target)
    space = _space(file, content)
    if (forbid := (root.mapping or {}).get(FORBID)) is not None and forbid.items:
        if overrides and (own.mapping or {}).get(FORBID) is forbid:  # it speaks of the file, and not of the changes
            before = _space(file, walk(own, target))
            space = replace(space, forbidden=tuple(carried(read_forbidden(forbid, before), before, space, overrides)))
        else:
            space = replace(space, forbidden=read_forbidden(forbid, space))
        check_left(space, forbid)
    probe(space, target, content.locations, root.location)
    return space, content


def _space(file: Source, content: SpaceContent) -> SearchSpace:
    """The space of a file, which forbids nothing yet."""
    values, apart = content.parted()
    settings = tuple(value for value in apart if value.key != FORBID)
    return SearchSpace(file.name, tuple(content.parameters), tuple(values), settings)
