"""The options of `hpo show`."""

from dataclasses import dataclass
from typing import Annotated

from ..fields import Flag, HomeField, StorageField, StudyField


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """The flags of `hpo show`."""

    study: StudyField = None
    trial: Annotated[int | None, Flag("Show one trial whole.")] = None
    storage: StorageField = None
    home: HomeField = None
