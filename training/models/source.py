"""The source of a user's own model, and whether it may be run.

No torch.

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
    """Split `./mynet.py:MyNet` into (absolute path of the file, "MyNet")."""
    file, _, attribute = name.rpartition(":")
    return Path(file).expanduser().absolute(), attribute


def read_source(name: str) -> bytes:
    """Return the content of the file behind `path/to/file.py:name`.

    Raises:
        TrainingError: it cannot be read, or is no file of at most 16 MiB.
    """
    path = split_name(name)[0]
    try:
        return read_bytes(path, MAX_BYTES)
    except OSError as error:
        candidates = [p.name for p in path.parent.glob("*.py")]
        hint = nearest(path.name, candidates) if candidates else "no Python file is there"
        raise TrainingError(f"model {name}: cannot read {path} ({error.strerror}); {hint}") from error


def source_files(name: str) -> dict[str, bytes]:
    """Return the files of `path/to/file.py:name`, by relative path.

    Paths are from the file's folder: first the file, then what it needs.

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
    """Return the SHA-256 of a user's model, wherever it lies.

    Of what `path/to/file.py:name` is made of; checkpoints know by it whose they are.
    """
    return digest_of(source_files(name))


def keep_model(name: str, parent: Path, digest: str) -> Path:
    """Copy a user's model to the folder `digest` of `parent`, on record.

    It is made where there is none.

    Raises:
        TrainingError: it is not what has `digest` any more, or the copy cannot be written.
        StudyError: the record cannot be written.
    """
    files, folder = source_files(name), parent / digest
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
    """Return the `source_digest` of a user's model.

    Empty for others, and where the file is missing.
    """
    exists = isinstance(model, CustomModel) and split_name(model.name)[0].is_file()
    return source_digest(model.name) if exists else ""


def name_model(model: ModelConfig) -> str:
    """Record the file of a user's model as named by the user.

    The user has named it in this command.

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
    """Refuse a model's file that the user has not named or allowed.

    `content` is the file's.

    Raises:
        TrustError: neither was done.
        TrainingError: a file beside it cannot be read.
    """
    if not trust.is_on_record(_code_digest(model.name, content)) and not _is_kept_copy(model.name):
        raise TrustError(f"model {model.name}: not run, since you have not named this file to hpo as it is now")


def require_model(model: ModelConfig) -> None:
    """Refuse a model as `require_named` does, before anything is begun.

    A file that is missing is reported by whoever builds the model.
    """
    if isinstance(model, CustomModel) and split_name(model.name)[0].is_file():
        require_named(model, read_source(model.name))


def _is_kept_copy(name: str) -> bool:
    """Whether `name` is a copy that this account has kept.

    Whole and with nothing beside it; its home may have been moved.
    """
    return trust.is_on_record(_kept(split_name(name)[0].parent.name)) and _is_whole(name)


def _is_whole(name: str) -> bool:
    """Whether a copy's folder holds its content and nothing else.

    Its content has the digest that the folder is called by.
    """
    path = split_name(name)[0]
    existing = {str(file.relative_to(path.parent)) for file in path.parent.rglob("*") if not file.is_dir()}
    if path.name not in existing:
        return False
    files = source_files(name)
    return existing == files.keys() and digest_of(files) == path.parent.name


def _kept(digest: str) -> str:
    """Return the record key of a kept copy, wherever it lies."""
    return hashlib.sha256(f"kept copy {digest}".encode(errors="surrogateescape")).hexdigest()


def _digest_of(model: ModelConfig) -> str | None:
    """Return the record key of a model's file, None without one."""
    if not isinstance(model, CustomModel) or not split_name(model.name)[0].is_file():
        return None  # that it is missing is reported by whoever builds the model
    return _code_digest(model.name, read_source(model.name))


def _code_digest(name: str, content: bytes) -> str:
    """Return the SHA-256 of a model file's path, content and neighbours.

    Neighbours are the files beside it that `content` and they mention by name.
    """
    path = split_name(name)[0]
    digest = hashlib.sha256(line_of(path))
    try:
        reached = reachable(path, content, words)
    except OSError as error:
        raise TrainingError(f"model {name}: cannot read {error.filename} beside it ({error.strerror})") from error
    for file, text in sorted(reached.items()):
        digest.update(line_of(file) + hashlib.sha256(text).digest())
    return digest.hexdigest()
