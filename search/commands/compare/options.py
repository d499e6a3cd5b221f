"""The options of `hpo compare`, validated on construction."""

from dataclasses import dataclass
from typing import Annotated

from ..fields import Flag, HomeField, StorageField
from ..keywords import coerce

_WHAT = "a study, or the folder of an export"


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """Everything `hpo.compare` takes; the flags of `hpo compare` in the same words."""

    first: Annotated[str, Flag(f"The one: {_WHAT}.", complete="studies", positional=True)]
    second: Annotated[str, Flag(f"The other: {_WHAT}.", complete="studies", positional=True)]
    storage: StorageField = None
    home: HomeField = None

    def __post_init__(self) -> None:
        coerce(self)
