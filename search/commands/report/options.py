"""The options of `hpo report`, validated on construction."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..fields import Flag, HomeField, StorageField, StudyField
from ..keywords import coerce


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Everything `hpo.report` takes; the flags of `hpo report` in the same words.

    `out` None means report.html in the study's folder of the home.
    """

    study: StudyField = None
    out: Annotated[Path | None, Flag("Where the page goes. Default: report.html in the study's folder.")] = None
    storage: StorageField = None
    home: HomeField = None

    def __post_init__(self) -> None:
        coerce(self)
