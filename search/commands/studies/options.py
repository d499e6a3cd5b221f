"""The options of `hpo studies`."""

from dataclasses import dataclass

from ..fields import HomeField, StorageField


@dataclass(frozen=True, slots=True)
class StudiesOptions:
    """The flags of `hpo studies`."""

    storage: StorageField = None
    home: HomeField = None
