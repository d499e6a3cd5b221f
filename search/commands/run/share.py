"""What a search shares with the other machines of its study, as it begins."""

from collections.abc import Mapping

from ....errors import SpaceError
from ....studies.files import SPACE_FILE, STUDY_FILE
from ....studies.home import Home
from ....studies.shared_files.location import NONE, given_location
from ....studies.shared_files.object_store import ObjectStore
from ....studies.shared_files.study_files import StudyFiles, choose_store, join, noted_files
from ....studies.store.storage import BaseStorage
from ...configuration.model_copies import ModelCopies
from .options import RAY, RunOptions


def store_location(options: RunOptions, home: Home) -> str | None:
    """The folder or URL in which a search shares files: given, or in the home where the nodes of a cluster need one.

    Raises:
        SpaceError: they would have none.
    """
    given = given_location(options.checkpoint_dir)
    if options.executor != RAY:
        return given
    if given == NONE:
        raise SpaceError("--checkpoint-dir none: the nodes of a cluster share them; give a folder or an s3:// URL")
    return given or str(home.root / "shared")


def share_study(storage: BaseStorage, name: str, shared: ObjectStore | None, given: str | None) -> StudyFiles | None:
    """Have study `name` share its files in `shared`, None for nowhere, which is what the user has `given`.

    Raises:
        StudyError: another coordinator was first, with another store.
    """
    if shared is not None:
        return join(storage, name, shared)
    # another one, which began at the same time, may have said meanwhile where they are shared
    choose_store(given, noted_files(storage, name), name, note=lambda _: None)
    return None


def share_files(files: StudyFiles, storage: BaseStorage, home: Home, models: Mapping[str, str]) -> None:
    """Share how the study is run, and the copies of users' `models`, with whoever goes on with it elsewhere.

    Raises:
        ObjectStoreError: one cannot be written.
    """
    written = {file: home.study(files.name, file) for file in (SPACE_FILE, STUDY_FILE)}
    files.keep(storage, {**written, **ModelCopies(home.models(files.name), models).files()})
