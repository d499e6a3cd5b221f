"""The file in which a study travels: a zip of its plain data, of what is attached to its trials, and of its folder.

    study.json     its name, attributes, counts and digest, and the SHA-256 of each file
    trials.jsonl   a line for each trial
    artifacts/ID   what is attached to trials
    home/...       its folder: the space, models of the user's own, configurations and checkpoints

What is in an archive is somebody else's until it is checked: names lead nowhere else, sizes are bounded, and files are
stored as they are, so that none takes more room than the archive itself.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt, TypeAdapter, ValidationError

from ...common.atomic import replacing
from ...common.bounded import JSON_BYTES, TABLE_BYTES, WEIGHTS_BYTES, open_regular
from ...common.version import __version__
from ...errors import StudyError
from .dump import StudyDump, TrialDump

FORMAT = 1
SUFFIX = ".study.zip"
ARTIFACTS, HOME = "artifacts/", "home/"
_HEAD, _TRIALS = "study.json", "trials.jsonl"
_MOST_FILES = 200_000
_CHUNK = 2**20


class _Head(BaseModel):
    """`study.json`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    format: int
    hpo: str
    name: str
    directions: list[str]
    attributes: dict[str, str]
    marks: dict[str, str]
    counts: dict[str, NonNegativeInt]
    digest: str
    files: dict[str, str]


_TRIAL = TypeAdapter(TrialDump)


@dataclass(frozen=True, slots=True)
class Archive:
    """An open archive whose plain data are checked; `files` are SHA-256 by name."""

    study: StudyDump
    files: Mapping[str, str]
    _zip: zipfile.ZipFile
    _path: Path

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(self._zip.getinfo(name).file_size for name in self.files)

    def extract(self, name: str, target: Path) -> None:
        """Write the file `name` to `target`, whole and as its digest says.

        Raises:
            StudyError: it is another one.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._zip.open(name) as source, replacing(target) as file:
                if _copy(source, file) != self.files[name]:
                    raise _damaged(self._path, f"{name} is not the file that was put in")
        except zipfile.BadZipFile as error:
            raise _damaged(self._path, str(error)) from error

    def extract_once(self, name: str, target: Path) -> None:
        """Write the file `name` to `target` unless it is there.

        Raises:
            StudyError: another one is there, or the file is not as its digest says.
        """
        if not target.exists():
            self.extract(name, target)
            return
        with open_regular(target, WEIGHTS_BYTES) as there:
            if hashlib.file_digest(there, "sha256").hexdigest() != self.files[name]:
                raise StudyError(f"{target} is there already, and is another file")


def write_archive(path: Path, study: StudyDump, files: Mapping[str, Path]) -> tuple[int, int]:
    """Write `study` and `files`, by their names in the archive, to `path`: whole or not at all.

    Returns how many files are in it, and their bytes: those that a running search has just removed are left out.

    Raises:
        OSError: it cannot be written, or one of the files cannot be read.
    """
    with replacing(path) as target, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        digests = {}
        for name, file in sorted(files.items()):
            with suppress(FileNotFoundError):
                digests[name] = _put(archive, name, file)
        size = sum(archive.getinfo(name).file_size for name in digests)
        lines = "".join(f"{trial.line}\n" for trial in study.trials)
        archive.writestr(_TRIALS, lines, zipfile.ZIP_DEFLATED)
        archive.writestr(_HEAD, _head(study, digests).model_dump_json(indent=1), zipfile.ZIP_DEFLATED)
    return len(digests), size


@contextmanager
def read_archive(path: Path) -> Iterator[Archive]:
    """Open an archive, and check its plain data; files are checked as they are extracted.

    Raises:
        StudyError: it is none, damaged, or of a newer version.
    """
    with ExitStack() as opened:
        try:
            archive = opened.enter_context(zipfile.ZipFile(opened.enter_context(open_regular(path, 2**62))))
            head = _read_head(path, archive)
            study = _read_study(path, archive, head)
        except zipfile.BadZipFile as error:
            raise _damaged(path, str(error)) from error
        except OSError as error:
            raise StudyError(f"{path}: cannot be read: {error.strerror or error}") from error
        yield Archive(study, head.files, archive, path)  # what is written meanwhile has errors of its own


def _head(study: StudyDump, digests: dict[str, str]) -> _Head:
    facts: dict[str, Any] = {"hpo": __version__, "name": study.name, **study.head}
    return _Head(format=FORMAT, **facts, counts=study.counts, digest=study.digest, files=digests)


def _put(archive: zipfile.ZipFile, name: str, file: Path) -> str:
    with open_regular(file, WEIGHTS_BYTES) as source, archive.open(name, "w", force_zip64=True) as target:
        return _copy(source, target)


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy a file; return its SHA-256."""
    digest = hashlib.sha256()
    while part := source.read(_CHUNK):
        digest.update(part)
        target.write(part)
    return digest.hexdigest()


def _read_head(path: Path, archive: zipfile.ZipFile) -> _Head:
    """Read what is in the archive, and refuse what would lead elsewhere or grow."""
    entries = {entry.filename: entry for entry in archive.infolist()[: _MOST_FILES + 2]}
    try:
        raw = json.loads(_read(path, archive, _HEAD, JSON_BYTES))
        if isinstance(raw, dict) and isinstance(raw.get("format"), int) and raw["format"] > FORMAT:
            raise StudyError(f"{path}: written by hpo {raw.get('hpo')!s:.20}, in a newer form; update hpo")
        head = _Head.model_validate(raw)
    except (ValueError, RecursionError) as error:  # pydantic's is one, too
        raise _damaged(path, f"{_HEAD} is not as hpo writes it") from error
    if entries.keys() != {_HEAD, _TRIALS, *head.files}:
        raise _damaged(path, "its files are not those that its study.json lists")
    for name in head.files:
        if not _is_safe(name) or entries[name].compress_type != zipfile.ZIP_STORED:
            raise _damaged(path, f"a file is called or packed as hpo never does: {name[:60]!r}")
    return head


def _read_study(path: Path, archive: zipfile.ZipFile, head: _Head) -> StudyDump:
    lines = _read(path, archive, _TRIALS, TABLE_BYTES).splitlines()
    try:
        trials = [_TRIAL.validate_json(line, strict=True) for line in lines]
    except (ValidationError, RecursionError) as error:
        raise _damaged(path, f"{_TRIALS} is not as hpo writes it") from error
    study = StudyDump(head.name, head.directions, head.attributes, head.marks, trials)
    if (study.counts, study.digest) != (head.counts, head.digest):
        raise _damaged(path, "its trials are not those that were put in")
    return study


def _read(path: Path, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    try:
        with archive.open(name) as file:
            content = file.read(most + 1)  # never more: a kilobyte may stand for a megabyte
    except KeyError:
        raise _damaged(path, f"it has no {name}") from None
    if len(content) > most:
        raise _damaged(path, f"its {name} has more than {most // 2**20} MiB")
    return content


def _is_safe(name: str) -> bool:
    """Whether a name leads to a file below the folder that it is for, on every system."""
    path = PurePosixPath(name)
    parts = path.parts
    is_plain = name.isprintable() and "\\" not in name and ":" not in name and str(path) == name
    if not is_plain or path.is_absolute() or ".." in parts:
        return False
    return (len(parts) == 2 and name.startswith(ARTIFACTS)) or (len(parts) > 1 and name.startswith(HOME))


def _damaged(path: Path, why: str) -> StudyError:
    return StudyError(f"{path}: no whole study of hpo export-study: {why}")
