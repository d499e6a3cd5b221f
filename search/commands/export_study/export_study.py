"""A study as a file: its store's rows, attached files, configurations and checkpoints."""

from collections.abc import Callable
from pathlib import Path

from ....common.plural import plural
from ....errors import StudyError
from ....studies.home import Home
from ....studies.records.lookup import newest_study
from ....studies.records.summarise import summarise
from ....studies.shared_files.object_store import ObjectStoreError
from ....studies.shared_files.study_files import SharedNote
from ....studies.store.storage import open_existing
from ....studies.study_name import nearest_name
from ....studies.transfer.archive import SUFFIX
from ....studies.transfer.transfer import Transfer
from ....studies.transfer.transfer import export_study as export
from ...resolve.shared import fetch_shared
from .options import ExportStudyOptions


def export_study(options: ExportStudyOptions, note: Callable[[str], None]) -> Transfer:
    """Write a study to a file, which `import_study` reads anywhere, with what it shares with other machines.

    Raises:
        StudyError: there is no such study, or the file is there already or cannot be written.
    """
    home = Home.locate(options.home)
    store = open_existing(options.storage, home)
    name = options.study or newest_study(store)
    out = options.out or Path(f"{nearest_name(name)}{SUFFIX}")
    if out.exists():
        raise StudyError(f"{out} is there already; name another file with --out")
    summary = summarise(store, name)
    if (noted := SharedNote.of(summary.attributes)) is not None:
        home.create(note)
        count = fetch_shared(options.checkpoint_dir, noted, name, home, {})
        for trial in () if options.no_checkpoints else summary.trials:
            try:
                count += fetch_shared(options.checkpoint_dir, noted, name, home, {trial.number: trial.checkpoint})
            except ObjectStoreError as error:  # a search that runs may just have replaced it
                note(f"trial {trial.number}: its checkpoint is left out: {error}")
        if count:
            note(f"fetched {plural(count, 'file')} that study {name} shares")
    return export(store, home, name, out, checkpoints=not options.no_checkpoints)
