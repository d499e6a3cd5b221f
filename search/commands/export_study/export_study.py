"""A study as a file: its store's rows, attached files, configurations and checkpoints."""

from pathlib import Path

from ....errors import StudyError
from ....studies.home import Home
from ....studies.records.lookup import newest_study, study_id
from ....studies.store.storage import open_existing
from ....studies.study_name import nearest_name
from ....studies.transfer.archive import SUFFIX
from ....studies.transfer.transfer import Transfer
from ....studies.transfer.transfer import export_study as export
from .options import ExportStudyOptions


def export_study(options: ExportStudyOptions) -> Transfer:
    """Write a study to a file, which `import_study` reads anywhere.

    Raises:
        StudyError: there is no such study, or the file is there already or cannot be written.
    """
    home = Home.locate(options.home)
    store = open_existing(options.storage, home)
    name = options.study or newest_study(store)
    study_id(store, name)
    out = options.out or Path(f"{nearest_name(name)}{SUFFIX}")
    if out.exists():
        raise StudyError(f"{out} is there already; name another file with --out")
    return export(store, home, name, out, checkpoints=not options.no_checkpoints)
