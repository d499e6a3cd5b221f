"""Checkpoint files with a checksum, and the pair of last and best.

A file is what `torch.save` writes, with its epochs (files.py) and a SHA-256 of all that as the comment of its zip
archive: `torch.load` opens it, and a flipped bit or a missing tail is detected. Loading never runs code
(`weights_only=True`).

`last.ckpt` names the epoch whose weights are in `best.ckpt`. A new best is put beside the old one first, then
`last.ckpt` is replaced, which is the moment the pair changes, then the new best takes its place; after a crash
`load_pair` finishes or undoes what was begun.
"""

import hashlib
import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ...common.atomic import rename, write_atomic
from ...common.bounded import WEIGHTS_BYTES, UnfitFileError, read_bytes
from ...common.faults import disk_fault
from ...errors import MachineError, TrainingError
from .files import BEST, DIGEST_MARK, LAST, NEXT_BEST, PARTIAL, Epochs

State = dict[str, Any]

_DIGEST_BYTES = 32  # of a SHA-256
_SEAL_BYTES = len(DIGEST_MARK) + _DIGEST_BYTES


class CheckpointError(TrainingError):
    """What is there cannot be used as a checkpoint."""

    exit_code = 1


@contextmanager
def own_files(directory: Path, words: str) -> Iterator[None]:
    """Tell errors of the files of a training in `directory` from those of its model.

    Raises:
        MachineError: an OSError was raised within; `words` say what could not be done.
    """
    try:
        yield
    except OSError as error:
        raise MachineError(f"{directory}: {words}: {error.strerror}") from error


def save(path: Path, state: State) -> None:
    """Write `state` to `path`, whole or not at all.

    A state holds tensors, numbers, strings, and lists and dicts of them.

    Raises:
        OSError: it could not be written.
    """
    write_atomic(path, _encode(state))


def load(path: Path) -> State:
    """Return what `save` wrote, with every tensor on the CPU.

    Raises:
        CheckpointError: the file is missing, torn, corrupt, or not one of ours.
        MachineError: the disk is gone, or this account may not read the file.
    """
    try:
        content = read_bytes(path, WEIGHTS_BYTES)
    except OSError as error:
        # the file may be whole then: it must not be set aside
        if not isinstance(error, UnfitFileError) and (disk_fault(error) or isinstance(error, PermissionError)):
            raise MachineError(f"{path}: cannot be read: {error.strerror}") from error
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    body, mark, digest = content[:-_SEAL_BYTES], content[-_SEAL_BYTES:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if mark != DIGEST_MARK:
        raise CheckpointError(f"{path}: not a checkpoint of ours, or its end is missing")
    if hashlib.sha256(body).digest() != digest:
        raise CheckpointError(f"{path}: corrupt, its checksum does not match")
    try:
        state: State = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{path}: holds more than tensors and plain values, so it is not loaded") from error
    return state


def save_pair(directory: Path, last: State, best: State | None) -> None:
    """Replace `last.ckpt`, and `best.ckpt` where `best` is given, as one.

    Args:
        directory: where both live.
        last: has the key "best_epoch".
        best: has the key "epoch", equal to last["best_epoch"].

    Raises:
        MachineError: they could not be written; the pair on disk is the former one.
    """
    with own_files(directory, "the checkpoint could not be written"):
        if best is not None:
            save(directory / NEXT_BEST, best)
        save(directory / LAST, last)
        # The moment the pair changes: before it load_pair undoes the new best, after it load_pair completes it.
        if best is not None:
            rename(directory / NEXT_BEST, directory / BEST)


def save_partial(directory: Path, state: State) -> None:
    """Replace `partial.ckpt`; the pair stays as it is.

    Raises:
        MachineError: it could not be written.
    """
    with own_files(directory, "the checkpoint could not be written"):
        save(directory / PARTIAL, state)


def remove_partial(directory: Path) -> None:
    """Remove `partial.ckpt`, where there is one.

    Raises:
        MachineError: it could not be removed.
    """
    with own_files(directory, f"{PARTIAL} could not be removed"):
        (directory / PARTIAL).unlink(missing_ok=True)


def load_pair(directory: Path) -> State | None:
    """Return the state in `last.ckpt`, its `best.ckpt` in place.

    None where nothing was saved yet.

    Raises:
        CheckpointError: a file is corrupt or the two do not fit.
        MachineError: the disk lets neither be read or put in place.
    """
    if not (directory / LAST).exists():
        return None
    last = load(directory / LAST)
    next_best = directory / NEXT_BEST
    # Interrupted between the two renames of save_pair: complete it. Else the next best belongs to an epoch never saved.
    completes = next_best.exists() and load(next_best)["epoch"] == last["best_epoch"]
    with own_files(directory, "the checkpoint could not be opened"):
        if completes:
            rename(next_best, directory / BEST)
        next_best.unlink(missing_ok=True)
    if load(directory / BEST)["epoch"] != last["best_epoch"]:
        raise CheckpointError(f"{directory}: {BEST} is not of the epoch that {LAST} calls the best")
    return last


def set_aside(directory: Path, names: tuple[str, ...]) -> Path | None:
    """Move the checkpoint and the files `names` into a new `set-aside-<n>`.

    Returns that folder, or None where none of the files exists.

    Raises:
        MachineError: they could not be moved.
    """
    existing = [directory / name for name in (*names, LAST, BEST, NEXT_BEST, PARTIAL) if (directory / name).exists()]
    if not existing:
        return None
    number = 1 + sum(1 for _ in directory.glob("set-aside-*"))
    target = directory / f"set-aside-{number}"
    with own_files(directory, "the checkpoint could not be set aside"):
        target.mkdir()
        for path in existing:
            path.rename(target / path.name)
    return target


def _encode(state: State) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    epochs = _epochs_of(state).to_bytes()
    # note: in place, since every copy of the whole would hold up the thread that trains
    buffer.seek(-2, io.SEEK_END)  # the last two bytes of a zip archive say how long the comment after them is
    buffer.write((len(epochs) + _SEAL_BYTES).to_bytes(2, "little") + epochs)
    with buffer.getbuffer() as body:
        digest = hashlib.sha256(body).digest()
    buffer.write(DIGEST_MARK + digest)
    return buffer.getvalue()


def _epochs_of(state: State) -> Epochs:
    """What a checkpoint says of its epochs without being loaded."""
    if "history" in state:
        return Epochs(len(state["history"]), state["best_epoch"])
    return Epochs(state.get("epoch", 0), state.get("epoch", 0))
