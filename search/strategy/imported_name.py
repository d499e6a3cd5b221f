"""A sampler of the user's own, `module:Name` or `path/to/file.py:Name`, and whether it may be run.

What such code does is its own affair, so it is run only as the user said: the command line or a space file of theirs
names it (`name_import`). A study names nothing: it may be somebody else's.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ...common import trust
from ...errors import SpaceError, TrainingError, TrustError, nearest
from ...training.models.config import CustomModel
from ...training.models.source import name_model, read_source, require_model
from .samplers.registry import SAMPLERS


@dataclass(frozen=True, slots=True)
class ImportedName:
    """`name` in a `module`, or in a `file`: a path, or a module that lies in the working directory."""

    module: str
    name: str
    file: Path | None

    def __str__(self) -> str:
        return f"--sampler {self.module}:{self.name}"


def is_import(sampler: str) -> bool:
    """Whether `sampler` names something to import, and not one that is registered."""
    return ":" in sampler and sampler.partition(":")[0] not in SAMPLERS


def parse_import(sampler: str) -> ImportedName:
    """Take `module:Name` apart; imports nothing.

    Raises:
        SpaceError: it is not of that form, or there is no such file.
    """
    module, _, name = sampler.rpartition(":")
    if not (module and name.isidentifier()):
        raise SpaceError(f"--sampler {sampler}: write module:Class or path/to/file.py:Class")
    # what lies in the working directory is a file, whose content is known before it is run
    path = Path(module if module.endswith(".py") else f"{module.replace('.', '/')}.py").expanduser()
    if path.is_file():
        return ImportedName(module, name, path.absolute())
    if module.endswith(".py"):
        beside = [each.name for each in path.absolute().parent.glob("*.py")]
        hint = nearest(path.name, beside) if beside else "no Python file is there"
        raise SpaceError(f"--sampler {sampler}: there is no file {path}; {hint}")
    if not all(part.isidentifier() for part in module.split(".")):
        raise SpaceError(f"--sampler {sampler}: {module!r} is no module; write module:Class or path/to/file.py:Class")
    return ImportedName(module, name, None)


def name_import(sampler: str) -> str:
    """Put a sampler that the user named, if it is one to import, on record: it may be run now and later.

    Returns:
        What was decided, in a sentence; empty where it was on record before, or nothing is imported.

    Raises:
        SpaceError: it is not of that form, or the file cannot be read.
        StudyError: the record cannot be written.
    """
    if not is_import(sampler):
        return ""
    named = parse_import(sampler)
    if named.file is not None:
        try:
            return name_model(_as_model(named))
        except TrainingError as error:
            raise SpaceError(f"{named}: {error}") from error
    if trust.is_on_record(_digest(named)):
        return ""
    trust.put_on_record(_digest(named), f"sampler {named.module}:{named.name}")
    return f"{named.module}:{named.name}: named here, so it is run; on record from now on"


def require_import(named: ImportedName) -> None:
    """Refuse a sampler that the user has not named.

    Raises:
        SpaceError: they have not, or its file has changed since.
    """
    try:
        if named.file is not None:
            require_model(_as_model(named))
            return
    except (TrustError, TrainingError) as error:
        raise SpaceError(_refusal(named, " as it is now")) from error
    if not trust.is_on_record(_digest(named)):
        raise SpaceError(_refusal(named, ""))


def content_of(named: ImportedName) -> bytes:
    """The content of the file that is named."""
    return read_source(_as_model(named).name)


def _refusal(named: ImportedName, how: str) -> str:
    what = named.file or f"module {named.module}"
    return f"{named}: not run, since you have not named it to hpo{how}\n  look at {what} first, then name it: {named}"


def _as_model(named: ImportedName) -> CustomModel:
    """The file as that of a user's model, since the same rule holds for both."""
    return CustomModel(name=f"{named.file}:{named.name}")


def _digest(named: ImportedName) -> str:
    return hashlib.sha256(f"sampler {named.module}:{named.name}".encode()).hexdigest()
