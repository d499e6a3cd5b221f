"""The options of `hpo check`."""

from dataclasses import dataclass
from typing import Annotated

from ..fields import DataRootField, Flag, HomeField, SetField


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The flags of `hpo check`."""

    space: Annotated[str, Flag("A space file, or the name of a bundled space.", complete="spaces", positional=True)]
    overrides: SetField = ()
    data: Annotated[str | None, Flag("Try the models on this data, and their export, as run does.")] = None
    data_root: DataRootField = None
    home: HomeField = None
