"""Where a study's shared files are: the folder or URL that a user gave."""

import os
import tempfile
from pathlib import Path
from secrets import token_hex
from urllib.parse import unquote, urlsplit

from ...errors import StudyError
from .bucket import Bucket
from .folder import Folder
from .object_store import KeyTakenError, ObjectStore, ObjectStoreError

VARIABLE = "HPO_CHECKPOINT_DIR"
NONE = "none"
"""What is given where files are to stay in the home."""


def given_location(given: str | None) -> str | None:
    """The folder or URL that the user gave: `given`, or HPO_CHECKPOINT_DIR; None for none. Paths are absolute."""
    given = given or os.environ.get(VARIABLE) or None
    if given is None or given == NONE:
        return given
    scheme, mark, _ = given.partition("://")
    if mark and scheme not in ("file", "local"):
        return given.rstrip("/")
    path = unquote(urlsplit(given).path) if mark else given
    return str(Path(path).expanduser().absolute())


def open_location(location: str) -> ObjectStore:
    """Open the store at `location`; a folder is made where only it is missing.

    Raises:
        StudyError: there is no such place, or its driver is not installed.
    """
    if "://" in location:
        return Bucket(location)
    path = Path(location)
    if not path.parent.is_dir():  # of a disk, perhaps, that is not mounted
        raise StudyError(f"--checkpoint-dir {path}: there is no folder {path.parent}; make it, or mount its disk")
    return Folder(path)


def probe(store: ObjectStore) -> None:
    """Write an object, read it again and remove it; an object that is there must not be written over.

    Raises:
        StudyError: one of these fails.
    """
    key, content = f"probe-{token_hex(16)}", token_hex(16).encode()
    try:
        with tempfile.TemporaryDirectory(prefix="hpo-probe-") as folder:
            file = Path(folder) / "probe"
            file.write_bytes(content)
            store.put(key, file)
            try:
                with store.open(key) as written:
                    if written.read() != content:
                        raise ObjectStoreError(f"{store.location}: what was written is not what is read")
                _put_again(store, key, file)
            finally:
                store.remove(key)
    except ObjectStoreError as error:
        raise StudyError(
            f"--checkpoint-dir {error}\n  give a folder or an s3://BUCKET/PREFIX that this account may read and write, "
            "the same on every machine"
        ) from error


def _put_again(store: ObjectStore, key: str, file: Path) -> None:
    try:
        store.put(key, file)
    except KeyTakenError:
        return
    raise ObjectStoreError(f"{store.location}: an object was written over another one, in spite of If-None-Match")
