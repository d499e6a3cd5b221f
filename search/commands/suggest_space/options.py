"""The options of `hpo suggest-space`, validated on construction."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..fields import CheckpointDirField, Flag, HomeField, StorageField, StudyField
from ..keywords import coerce


@dataclass(frozen=True, slots=True)
class SuggestOptions:
    """Everything `hpo.suggest_space` takes; the flags of `hpo suggest-space` in the same words.

    `out` None means that the space is not written to a file.
    """

    study: StudyField = None
    space: Annotated[
        str | None, Flag("The space that was searched. Default: as the study kept it.", short="-s", complete="spaces")
    ] = None
    out: Annotated[Path | None, Flag("A new file for the space. Default: it is printed.", short="-o")] = None
    storage: StorageField = None
    checkpoint_dir: CheckpointDirField = None
    home: HomeField = None

    def __post_init__(self) -> None:
        coerce(self)
