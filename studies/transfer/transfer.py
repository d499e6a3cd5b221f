"""Moving a study: out of a store and a home into an archive, and from there, or from another store, into ours."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from optuna.distributions import json_to_distribution
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState
from sqlalchemy import create_engine, make_url
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ...common.atomic import is_unfinished, write_atomic
from ...common.bounded import read_bytes
from ...common.masking import masked
from ...common.private import make_private_folder
from ...common.sqlite_url import sqlite_file
from ...errors import StudyError, nearest
from ..home import Home
from ..store.away import driver_line
from ..store.exclusive import exclusive
from ..store.server import with_driver
from ..store.storage import in_words, open_storage
from ..study_name import is_study_name, refusal
from .archive import ARTIFACTS, HOME, Archive, read_archive, write_archive
from .dump import StudyDump, TrialDump, artifact_ids, dump, study_names
from .restore import restore

_OF_THE_MACHINE = ("workers",)
"""Folders of a study that mean nothing elsewhere."""
_NOTE = "imported.json"
"""The digest of the study with which a folder came."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What was moved: `study` by its name where it is now, `counts` of its rows, `files` and their `size` in bytes.

    `in_line` trials that ran are in line again.
    """

    study: str
    path: Path | None
    counts: Mapping[str, int]
    files: int
    size: int
    digest: str
    in_line: int = 0


def export_study(store: RDBStorage, home: Home, name: str, path: Path, *, checkpoints: bool) -> Transfer:
    """Write study `name` of `store` to an archive at `path`, with its files in `home`.

    Raises:
        StudyError: there is no such study, or a file cannot be read or written.
    """
    with _reading(store.engine) as connection:
        study = dump(connection, name)
    files = {**_attached(home, study), **(_own(home, name, checkpoints) if is_study_name(name) else {})}
    try:
        count, size = write_archive(path, study, files)
    except OSError as error:
        raise StudyError(f"{error.filename or path}: {error.strerror or error}") from error
    return Transfer(name, path, study.counts, count, size, study.digest)


def import_archive(path: Path, storage: str, home: Home, name: str | None) -> Transfer:
    """Bring the study of an archive into the store `storage` and `home`, as `name` where one is given.

    All is checked and written before the study appears in the store. It may be killed and repeated.

    Raises:
        StudyError: the archive is damaged, or there is something of the name already.
    """
    with read_archive(path) as archive:
        name = _checked(name or archive.study.name)
        make_private_folder(home.root)
        store = open_storage(storage)
        with exclusive(store, name).hold():
            _refuse_existing(store.engine, name)
            with _placed(archive, home, name):
                moved = _restore(store.engine, archive.study, name)
    return Transfer(name, path, moved.counts, len(archive.files), archive.size, moved.digest, _ran(archive.study))


def import_from_store(source: str, storage: str, study: str | None, name: str | None) -> Transfer:
    """Bring study `study` of another store, of any program on Optuna, into the store `storage`; its files stay there.

    The other store is read, and nothing in it is changed.

    Raises:
        StudyError: there is no such store or study, or there is one of the name already.
    """
    with _reading(_engine(source)) as connection:
        names = study_names(connection)
        if study is None and len(names) != 1:
            raise StudyError(f"{masked(source)} holds {len(names)} studies: name one with --from-study")
        if study is not None and study not in names:
            raise StudyError(f"{masked(source)} holds no study {study!r}; {nearest(study, names)}")
        theirs = dump(connection, study or names[0])
    name = _checked(name or theirs.name)
    store = open_storage(storage)
    with exclusive(store, name).hold():
        _refuse_existing(store.engine, name)
        moved = _restore(store.engine, theirs, name)
    return Transfer(name, None, moved.counts, 0, 0, moved.digest, _ran(theirs))


def _checked(name: str) -> str:
    if refused := refusal(name):
        raise StudyError(f"a study's name {refused}; give another with --study")
    return name


def _ran(study: StudyDump) -> int:
    return sum(trial.ran for trial in study.trials)


def _restore(engine: Engine, study: StudyDump, name: str) -> StudyDump:
    """Write a study, and read it again before it counts."""
    _check(study)
    study = study.at_rest()
    if engine.dialect.name in ("mysql", "mariadb"):
        study = study.in_seconds()
    try:
        with engine.begin() as connection:
            restore(connection, study, name)
            written = dump(connection, name)
            if (written.counts, written.digest) != (study.counts, study.digest):
                raise StudyError(f"study {name!r} could not be written as it is: the store keeps something else")
    except SQLAlchemyError as error:
        raise StudyError(
            f"study {name!r} could not be written: {driver_line(getattr(error, 'orig', error))}"
        ) from error
    return written


def _check(study: StudyDump) -> None:
    """Refuse what no program on Optuna writes, and what would stop every program that reads it.

    Raises:
        StudyError: it is such a study.
    """
    try:
        for text in {text for trial in study.trials for _, text in trial.params.values()}:
            json_to_distribution(text)
        holders: list[StudyDump | TrialDump] = [study, *study.trials]
        for text in (text for each in holders for kind in (each.attributes, each.marks) for text in kind.values()):
            json.loads(text)
        for trial in study.trials:
            _check_trial(trial)
        if not {*study.directions} <= {direction.name for direction in StudyDirection}:
            raise ValueError(f"directions {study.directions}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StudyError(f"study {study.name!r} holds what Optuna never writes: {str(error)[:100]}") from error
    if [trial.number for trial in study.trials] != [*range(len(study.trials))]:
        raise StudyError(f"study {study.name!r}: its trials are not numbered from 0 on")


def _check_trial(trial: TrialDump) -> None:
    """Raise ValueError where its state, times or epochs are none."""
    if trial.state not in {state.name for state in TrialState}:
        raise ValueError(f"a state {trial.state!r}")
    for time in filter(None, (trial.start, trial.end)):
        datetime.fromisoformat(time)
    for step in trial.epochs:
        int(step)


def _refuse_existing(engine: Engine, name: str) -> None:
    with engine.connect() as connection:
        if name in study_names(connection):
            raise StudyError(f"there is a study {name!r} already; give the one that comes another name with --study")


def _engine(source: str) -> Engine:
    """The engine of a store that is only read.

    Raises:
        StudyError: it is none, or there is none of Optuna's.
    """
    try:
        url = make_url(source)
    except (ArgumentError, ValueError) as error:
        raise StudyError("SOURCE must be a file of hpo export-study or the URL of an Optuna store") from error
    file = sqlite_file(url)
    if file is not None and not file.exists():
        raise StudyError(f"{masked(source)}: {file} does not exist")
    with in_words(url):
        return create_engine(with_driver(url))


@contextmanager
def _reading(engine: Engine) -> Iterator[Connection]:
    """One state of a store."""
    with in_words(engine.url), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def _attached(home: Home, study: StudyDump) -> dict[str, Path]:
    """The files that are attached to trials, by their names in an archive."""
    files = {each: home.attachments / each for each in artifact_ids(study.marks) if "/" not in each}
    return {f"{ARTIFACTS}{each}": file for each, file in files.items() if file.is_file() and home.contains(file)}


def _own(home: Home, name: str, checkpoints: bool) -> dict[str, Path]:
    """The files of the study's folder, by their names in an archive."""
    folder = home.study(name)
    files = {}
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        is_ours = file.is_file() and not file.is_symlink() and home.contains(file) and not is_unfinished(file)
        if is_ours and path.parts[0] not in _OF_THE_MACHINE and (checkpoints or file.suffix != ".ckpt"):
            files[f"{HOME}{path.as_posix()}"] = file
    return files


@contextmanager
def _placed(archive: Archive, home: Home, name: str) -> Iterator[None]:
    """Put the files of a study in their places, and take its folder away again where the block fails.

    Raises:
        StudyError: there is a folder of its name already, which a killed import has not left.
    """
    folder, note = home.study(name), json.dumps({"digest": archive.study.digest})
    if folder.exists():
        if not _is_left(folder, note):
            raise StudyError(f"{folder} is there already; give the study that comes another name with --study")
        shutil.rmtree(folder)
    with tempfile.TemporaryDirectory(dir=home.root, prefix=".import-") as temporary:
        unpacked = Path(temporary) / "study"
        unpacked.mkdir()
        for each in archive.files:
            if each.startswith(HOME):
                archive.extract(each, unpacked / each.removeprefix(HOME))
            else:
                archive.extract_once(each, home.attachments / each.removeprefix(ARTIFACTS))
        write_atomic(unpacked / _NOTE, note.encode())
        unpacked.rename(folder)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _is_left(folder: Path, note: str) -> bool:
    """Whether a killed import of the same study has left a folder; it does not count before its study is there."""
    with suppress(OSError, UnicodeDecodeError):
        return read_bytes(folder / _NOTE, len(note)).decode() == note
    return False
