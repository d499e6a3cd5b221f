"""The shared files of one study: where they are, and what is needed to go on with the study on another machine."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

from optuna.storages import BaseStorage

from ...common.display import visible
from ...common.masking import is_masked
from ...errors import StudyError
from .. import attributes
from ..home import Home
from ..store.exclusive import exclusive
from .checkpoint import TrialStore
from .entry import Entry, entries
from .location import NONE, given_location, open_location, probe
from .object_store import ObjectStore, ObjectStoreError

_MARK = "study"
_MARK_BYTES = 1000
_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_PLAIN = re.compile(r"/.*|(?:s3|s3a|gs|gcs|az|abfs|abfss)://[^:?#]+")
_FILE = re.compile(r"space\.yaml|study\.json|models/[0-9a-f]{64}(?:/[^/\\:\x00-\x1f]+)+")


@dataclass(frozen=True, slots=True)
class SharedNote:
    """What a study says of its shared files: their location without secrets, its `prefix` there, files by path."""

    location: str
    prefix: str
    files: Mapping[str, Entry]

    @classmethod
    def of(cls, noted: Mapping[str, Any]) -> "SharedNote | None":
        """The note among the attributes of a study; None where it shares none.

        Raises:
            StudyError: it is not as hpo writes it.
        """
        match noted.get(attributes.SHARED_FILES):
            case None:
                return None
            case {"location": str(location), "prefix": str(prefix), "files": dict(files)} if _PREFIX.fullmatch(prefix):
                return cls(location, prefix, entries(files))
        raise StudyError("the study says where its shared files are in a form that hpo does not write")

    def write(self, storage: BaseStorage, study_id: int) -> None:
        """Keep it on a study."""
        files = {path: entry.to_json() for path, entry in self.files.items()}
        note = {"location": self.location, "prefix": self.prefix, "files": files}
        storage.set_study_user_attr(study_id, attributes.SHARED_FILES, note)


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """The shared files of study `name`, in `store` below `prefix`."""

    name: str
    store: ObjectStore
    prefix: str

    def trial(self, number: int) -> TrialStore:
        """The checkpoints of a trial."""
        return TrialStore(self.store, self.prefix, number)

    def keep(self, storage: BaseStorage, files: Mapping[str, Path]) -> None:
        """Share `files` by their paths in the study's folder; those that are as they were are not written again.

        Raises:
            ObjectStoreError: one cannot be written.
        """
        ours = {path: Entry.of(f"{self.prefix}/files", file) for path, file in files.items()}
        study_id = storage.get_study_id_from_name(self.name)
        # all of it in the exclusive step: what another coordinator is about to point to must not be removed
        with exclusive(storage, self.name).hold():
            noted = SharedNote.of(storage.get_study_user_attrs(study_id))
            assert noted is not None  # of a study that was joined
            for path, entry in ours.items():
                if noted.files.get(path) != entry:
                    entry.put(self.store, files[path])
            merged = {**noted.files, **ours}
            if merged != noted.files:
                SharedNote(noted.location, self.prefix, merged).write(storage, study_id)
            for entry in {*noted.files.values()} - {*merged.values()}:
                self.store.remove(entry.key)

    def fetch(self, files: Mapping[str, Entry], home: Home) -> None:
        """Write those of `files` into the study's folder in `home` that are not there.

        Raises:
            StudyError: one has a name that leads elsewhere.
            ObjectStoreError: one cannot be read, or is not what the study says of it.
        """
        for path, entry in files.items():
            parts = PurePosixPath(path).parts
            if not _FILE.fullmatch(path) or ".." in parts:
                raise StudyError(
                    f"study {visible(self.name)} names a shared file as hpo does not: {visible(path)[:60]}"
                )
            target = home.study(self.name, *parts)
            if not target.exists():
                entry.fetch(self.store, target)


def noted_files(storage: BaseStorage, name: str) -> SharedNote | None:
    """What study `name` says of its shared files; None where it shares none, or there is no such study."""
    try:
        return SharedNote.of(storage.get_study_user_attrs(storage.get_study_id_from_name(name)))
    except KeyError:  # Optuna's for a study that is not there
        return None


def choose_store(
    given: str | None, noted: SharedNote | None, name: str, note: Callable[[str], None]
) -> ObjectStore | None:
    """The store that study `name` is to share files in, as its user says; None for none.

    It was written to, and the files of a study that exists are in it. A study may come from somebody else: nothing is
    written where its user has not said so.

    Raises:
        StudyError: it cannot be used, or is not the study's; or the study has one, and its user says nothing.
    """
    location = given_location(given)
    if location == NONE:
        if noted is not None:
            note(f"without the files in {visible(noted.location)} trials that come from other machines begin anew")
        return None
    if location is None:
        if noted is None:
            return None
        raise StudyError(
            f"study {visible(name)} shares files in {visible(noted.location)}, and nothing is written there unasked\n"
            f"  --checkpoint-dir {visible(noted.location)} goes on so, --checkpoint-dir none without"
        )
    store = open_location(location)
    if noted is not None:
        _check_mark(store, noted, name)
    probe(store)
    return store


def join(storage: BaseStorage, name: str, store: ObjectStore) -> StudyFiles:
    """Have study `name` share its files in `store`, as all of its coordinators do, in one exclusive step.

    Raises:
        StudyError: another coordinator was first, with another store.
    """
    with exclusive(storage, name).hold():
        study_id = storage.get_study_id_from_name(name)
        noted = SharedNote.of(storage.get_study_user_attrs(study_id))
        if noted is None:
            readable = re.sub("[^A-Za-z0-9_]", "_", name)[:60]
            noted = SharedNote(store.location, f"{readable}-{token_hex(8)}", {})
            _put_mark(store, noted)
            noted.write(storage, study_id)
        else:
            _check_mark(store, noted, name)
    return StudyFiles(name, store, noted.prefix)


def shared_files(given: str | None, noted: SharedNote | None, name: str) -> StudyFiles | None:
    """The shared files of study `name`, to read from; None where it has none, or is to be read without.

    Raises:
        StudyError: they cannot be reached, or are not there.
    """
    location = given_location(given)
    if noted is None or location == NONE:
        return None
    store = open_location(location or _location_of(noted, name))
    _check_mark(store, noted, name)
    return StudyFiles(name, store, noted.prefix)


def _location_of(noted: SharedNote, name: str) -> str:
    # kept without its secrets, or somebody else's word that makes us load who knows which driver
    if is_masked(noted.location) or not _PLAIN.fullmatch(noted.location):
        raise StudyError(
            f"study {visible(name)} shares files in {visible(noted.location)}; give the URL with --checkpoint-dir"
        )
    return noted.location


def _put_mark(store: ObjectStore, noted: SharedNote) -> None:
    with TemporaryDirectory(prefix="hpo-mark-") as folder:
        file = Path(folder) / _MARK
        file.write_text(noted.prefix)
        store.put(f"{noted.prefix}/{_MARK}", file)


def _check_mark(store: ObjectStore, noted: SharedNote, name: str) -> None:
    """Refuse a store in which the mark of the study cannot be read: a path may mean another disk on each machine."""
    try:
        with store.open(f"{noted.prefix}/{_MARK}") as mark:
            if mark.read(_MARK_BYTES) == noted.prefix.encode():
                return
        why = "another file is in its place"
    except ObjectStoreError as error:
        why = str(error).removeprefix(f"{store.location}: ")
    there = "" if store.location == noted.location else f", which {store.location} is not"
    raise StudyError(
        f"study {visible(name)} shares files in {visible(noted.location)}{there}: {why}\n"
        "  --checkpoint-dir names the same place on every machine, or is none to do without"
    )
