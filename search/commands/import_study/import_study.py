"""A study from a file of `hpo export-study`, or from another Optuna store."""

from pathlib import Path

from ....errors import StudyError
from ....studies.home import Home
from ....studies.store.storage import storage_to_write
from ....studies.store.url import given_url
from ....studies.transfer.transfer import Transfer, import_archive, import_from_store
from .options import ImportStudyOptions


def import_study(options: ImportStudyOptions) -> Transfer:
    """Bring a study into the home and its store, verified by counts and digests.

    Raises:
        StudyError: the source is no whole study, or there is one of its name already.
    """
    home = Home.locate(options.home)
    storage = storage_to_write(options.storage, home)
    if "://" not in options.source and not options.source.startswith("@"):
        if options.from_study is not None:
            raise StudyError("--from-study is for the URL of a store; a file of hpo export-study holds one study")
        return import_archive(Path(options.source), storage, home, options.study)
    home.create(lambda _: None)  # what it says of a home, `hpo run` says
    return import_from_store(given_url(options.source) or "", storage, options.from_study, options.study)
