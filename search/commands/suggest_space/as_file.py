"""A suggested space as a file, whose comments say what has changed and by what evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from textwrap import wrap

from ....errors import SpaceError
from ....spaces.dump import dump_space, flow
from ....spaces.find import Source
from ....spaces.load import load_text
from ....spaces.node import Location
from ....spaces.parameter import Choice
from ....spaces.space import SearchSpace
from ...configuration.space_file import SpaceFile
from .suggest import Suggestion

WIDTH = 100
"""Characters of a comment in a line, before its indent."""


def loads(space: SearchSpace) -> bool:
    """Whether a space keeps all laws of a space file."""
    try:
        load_text(_source(space), SpaceFile)
    except SpaceError:
        return False
    return True


def without_single_branches(suggestion: Suggestion) -> Suggestion:
    """The suggestion without choices of one branch: what stands in that loses the branch in its name."""
    space, changes = suggestion.space, suggestion.changes
    while (single := next(_single_branches(space), None)) is not None:
        key, branch = single
        space = replace(load_text(_source(space), SpaceFile, [f"{key}={flow(branch)}"]), name=space.name)
        changes = tuple(replace(each, key=_renamed(each.key, key, branch)) for each in changes)
    return Suggestion(space, changes)


def commented(suggestion: Suggestion, head: Sequence[str]) -> str:
    """The text of a suggestion, with `head` above all and the changes above the keys that they are of."""
    space = suggestion.space
    keys = {entry.key for entry in (*space.parameters, *space.values)}
    comments: dict[str, list[str]] = {"": list(head)}
    for change in suggestion.changes:
        if change.key in keys:
            comments.setdefault(change.key, []).append(change.words)
        else:  # a choice of which one branch is left
            comments[""].append(f"{change.key} {change.words}")
    return dump_space(space, {key: [*chain(*map(_wrapped, lines))] for key, lines in comments.items()})


def _wrapped(line: str) -> list[str]:
    return wrap(line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _source(space: SearchSpace) -> Source:
    return Source(space.name, dump_space(space), Location("the suggested space", Path.cwd()))


def _single_branches(space: SearchSpace) -> Iterator[tuple[str, str]]:
    for choice in space.parameters:
        if isinstance(choice, Choice) and choice.branching and len(choice.choices) == 1:
            yield choice.key, str(choice.choices[0])


def _renamed(key: str, choice: str, branch: str) -> str:
    inside = f"{choice}.{branch}."
    return f"{choice}.{key.removeprefix(inside)}" if key.startswith(inside) else key
