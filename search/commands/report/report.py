"""`hpo report`, composed: a study's record -> its sections -> one page."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ....common.display import visible
from ....common.sections import sections_page
from ....common.version import __version__
from ....errors import SpaceError
from ....studies.files import write_text
from ....studies.home import Home
from ....studies.records.lookup import newest_study
from ....studies.records.readable import Readable
from ....studies.records.reader import open_to_read
from ....studies.study_name import is_study_name
from .material import gather
from .options import ReportOptions
from .sections.registry import sections_of

PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class Report:
    """A study's page at `path`, with the names of its sections in their order."""

    study: str
    path: Path
    sections: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo report --json` prints."""
        return {"study": self.study, "path": str(self.path), "sections": list(self.sections)}


def report(options: ReportOptions) -> Report:
    """Write a study, as it is now, as one page that needs no other file.

    Raises:
        StudyError: no such study, or the page cannot be written.
        SpaceError: nothing says where the page goes.
    """
    home = Home.locate(options.home)
    store = open_to_read(options.storage, home)
    study = newest_study(store) if options.study is None else options.study
    path = options.out.expanduser().absolute() if options.out is not None else _default(home, study)
    sections, page = study_page(store, study, home)
    write_text(path, page)
    return Report(study, path, sections)


def study_page(store: Readable, study: str, home: Home) -> tuple[tuple[str, ...], str]:
    """The names of a study's sections, and its page as HTML.

    Raises:
        StudyError: no such study.
    """
    sections = dict(sections_of(gather(store, study, home)))
    now = datetime.now(UTC).astimezone()
    lead = f"As it was on {now:%Y-%m-%d at %H:%M}; written by hpo {__version__}."
    return tuple(sections), sections_page(f"Study {study}", lead, sections)


def _default(home: Home, study: str) -> Path:
    """The page's place in the study's folder."""
    if not is_study_name(study):  # no other study has one
        raise SpaceError(f"--out must say where the page goes: study {visible(study)} has a name that no folder has")
    return home.study(study, PAGE)
