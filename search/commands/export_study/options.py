"""The options of `hpo export-study`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..fields import CheckpointDirField, Flag, HomeField, StorageField, StudyField


@dataclass(frozen=True, slots=True)
class ExportStudyOptions:
    """The flags of `hpo export-study`."""

    study: StudyField = None
    out: Annotated[Path | None, Flag("The file to write. Default: STUDY.study.zip here.", short="-o")] = None
    no_checkpoints: Annotated[
        bool, Flag("Leave checkpoints out: the file is small, and paused trials begin anew elsewhere.")
    ] = False
    storage: StorageField = None
    checkpoint_dir: CheckpointDirField = None
    home: HomeField = None
