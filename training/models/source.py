"""The source of a user's own model, `path/to/file.py:name`: where it is, and whether it may be run. No torch.

What such a file does is its own affair, so it is run only as the user said: a command line or a space names it
(`name_model`), or `--trust` allows it for once (`allow_model`). A configuration that was found in a study, a run or an
export names nothing: it may be somebody else's.
"""

import hashlib
import shutil
from pathlib import Path

from ...common import trust
from ...common.bounded import read_bytes
from ...errors import TrainingError, TrustError, nearest
from .config import CustomModel, ModelConfig
from .source_files import MAX_BYTES, digest_of, line_of, needed_files, reachable, words, write_whole


def split_name(name: str) -> tuple[Path, str]:
    """`./mynet.py:MyNet` as (absolute path of the file, "MyNet")."""
    file, _, attribute = name.rpartition(":")
    return Path(file).expanduser().absolute(), attribute


def read_source(name: str) -> bytes:
    """The content of the file behind `path/to/file.py:name`.

    Raises:
        TrainingError: it cannot be read, or is no file of at most 16 MiB.
    """
    path = split_name(name)[0]
    try:
        return read_bytes(path, MAX_BYTES)
    except OSError as error:
        beside = [p.name for p in path.parent.glob("*.py")]
        hint = nearest(path.name, beside) if beside else "no Python file is there"
        raise TrainingError(f"model {name}: cannot read {path} ({error.strerror}); {hint}") from error


def source_files(name: str) -> dict[str, bytes]:
    """What `path/to/file.py:name` is made of, by its path from the file's folder: first the file, then what it needs.

    That is what it and those in turn import, and files beside it that they mention by their whole name.

    Raises:
        TrainingError: one of them cannot be read.
    """
    path = split_name(name)[0]
    try:
        return needed_files(path, read_source(name))
    except OSError as error:
        raise TrainingError(f"model {name}: cannot read {error.filename} beside it ({error.strerror})") from error


def source_digest(name: str) -> str:
    """SHA-256 of what `path/to/file.py:name` is made of, wherever that lies: checkpoints know by it whose they are."""
    return digest_of(source_files(name))


def keep_model(name: str, place: Path, digest: str) -> Path:
    """A copy of what `name` is made of, in the folder `digest` of `place`, made where there is none, and on record.

    Raises:
        TrainingError: it is not what has `digest` any more, or the copy cannot be written.
        StudyError: the record cannot be written.
    """
    files, folder = source_files(name), place / digest
    if digest_of(files) != digest:
        raise TrainingError(f"model {name}: the file was edited while the search was prepared; run it again")
    copy = CustomModel(name=f"{folder / next(iter(files))}:{split_name(name)[1]}")
    try:
        if folder.exists():
            for compiled in tuple(folder.rglob("__pycache__")):
                shutil.rmtree(compiled)
            if not _is_whole(copy.name):  # what is put on record must be what the user named
                shutil.rmtree(folder)
        if not folder.exists():
            write_whole(files, folder)
    except OSError as error:
        raise TrainingError(f"model {name}: cannot be copied to {folder}: {error.strerror}") from error
    trust.put_on_record(_kept(digest), f"copy of {split_name(name)[0]}")
    name_model(copy)
    return folder


def model_source(model: ModelConfig) -> str:
    """The `source_digest` of a user's model; empty for others, and where the file is missing."""
    is_there = isinstance(model, CustomModel) and split_name(model.name)[0].is_file()
    return source_digest(model.name) if is_there else ""


def name_model(model: ModelConfig) -> str:
    """Put the file of a user's model on record, since the user has named it in this command.

    Returns:
        What was decided, in a sentence; empty where there is no such file, or it was on record before.

    Raises:
        TrainingError: a file beside it cannot be read.
        StudyError: the record cannot be written.
    """
    digest = _digest_of(model)
    if digest is None or trust.is_on_record(digest):
        return ""
    path = split_name(model.name)[0]
    trust.put_on_record(digest, str(path))
    return f"{path}: named here, so it is run; on record from now on, as it is"


def allow_model(model: ModelConfig) -> str:
    """Let this process run the file of a user's model, whoever named it.

    Returns:
        What was allowed, in a sentence; empty where there is no such file, or it may be run anyway.

    Raises:
        TrainingError: a file beside it cannot be read.
    """
    digest = _digest_of(model)
    if digest is None or trust.is_on_record(digest):
        return ""
    trust.allow(digest)
    return f"{split_name(model.name)[0]}: not on record as it is; run all the same (--trust)"


def require_named(model: CustomModel, content: bytes) -> None:
    """Refuse to run `content`, of the file of `model`, unless the user has named or allowed it.

    Raises:
        TrustError: neither was done.
        TrainingError: a file beside it cannot be read.
    """
    if not trust.is_on_record(_code_digest(model.name, content)) and not _is_kept_copy(model.name):
        raise TrustError(f"model {model.name}: not run, since you have not named this file to hpo as it is now")


def require_model(model: ModelConfig) -> None:
    """As `require_named`, before anything is begun; a file that is missing is told by whoever builds the model."""
    if isinstance(model, CustomModel) and split_name(model.name)[0].is_file():
        require_named(model, read_source(model.name))


def _is_kept_copy(name: str) -> bool:
    """Whether `name` is a copy that this account has kept, whole and with nothing beside it, whose home was moved."""
    return trust.is_on_record(_kept(split_name(name)[0].parent.name)) and _is_whole(name)


def _is_whole(name: str) -> bool:
    """Whether the folder of a copy holds what has the digest that it is called by, and nothing else."""
    path = split_name(name)[0]
    there = {str(file.relative_to(path.parent)) for file in path.parent.rglob("*") if not file.is_dir()}
    if path.name not in there:
        return False
    files = source_files(name)
    return there == files.keys() and digest_of(files) == path.parent.name


def _kept(digest: str) -> str:
    """What a kept copy is on record by, wherever it lies."""
    return hashlib.sha256(f"kept copy {digest}".encode(errors="surrogateescape")).hexdigest()


def _digest_of(model: ModelConfig) -> str | None:
    """What the file of `model` is on record by; None where there is none."""
    if not isinstance(model, CustomModel) or not split_name(model.name)[0].is_file():
        return None  # that it is missing is told by whoever builds the model
    return _code_digest(model.name, read_source(model.name))


def _code_digest(name: str, content: bytes) -> str:
    """SHA-256 of the path, of `content`, and of the files beside it that `content` and they mention by name."""
    path = split_name(name)[0]
    digest = hashlib.sha256(line_of(path))
    try:
        reached = reachable(path, content, words)
    except OSError as error:
        raise TrainingError(f"model {name}: cannot read {error.filename} beside it ({error.strerror})") from error
    for file, text in sorted(reached.items()):
        digest.update(line_of(file) + hashlib.sha256(text).digest())
    return digest.hexdigest()
