"""Every section of a report by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .....common.registry import Registry, modules_beside
from .....common.sections import Section

if TYPE_CHECKING:
    from ..material import Material

Make = Callable[["Material"], Section | None]
"""Makes a section of a study; None where the study has nothing for it."""


@dataclass(frozen=True, slots=True)
class Maker:
    """What makes a section, and its `place` on the page: the lower, the earlier."""

    place: int
    make: Make


SECTIONS: Registry[Maker] = Registry("section", modules=modules_beside(__name__))


def register_section(name: str, place: int) -> Callable[[Make], Make]:
    """Make the decorated function the section `name`, which is its anchor on the page, too.

    Places: below 10 the result, from 10 on what was asked, from 20 the course of the search, from 30 the parameters,
    from 40 the costs and failures, from 50 the data and the winner, from 60 how to do it again.

    Raises:
        SpaceError: the name is taken.
    """

    def register(make: Make) -> Make:
        SECTIONS.add(name, Maker(place, make))
        return make

    return register


def sections_of(material: "Material") -> Iterator[tuple[str, Section]]:
    """Yield the sections that a study has something for, by name, in their places."""
    for name, maker in sorted(((name, SECTIONS.find(name)) for name in SECTIONS), key=lambda pair: pair[1].place):
        if (section := maker.make(material)) is not None:
            yield name, section
