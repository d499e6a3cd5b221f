"""The options of `hpo import-study`."""

from dataclasses import dataclass
from typing import Annotated

from ..fields import Flag, HomeField, StorageField


@dataclass(frozen=True, slots=True)
class ImportStudyOptions:
    """The flags of `hpo import-study`."""

    source: Annotated[
        str,
        Flag("A file of hpo export-study, or the URL of an Optuna store of any program, or @FILE.", positional=True),
    ]
    study: Annotated[str | None, Flag("What the study is called here. Default: its name.")] = None
    from_study: Annotated[str | None, Flag("Which study of an Optuna store. Default: its only one.")] = None
    storage: StorageField = None
    home: HomeField = None
