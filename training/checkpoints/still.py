"""Checkpoints held still while a training goes on and replaces them."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from ...common.atomic import UNFINISHED
from .files import BEST, LAST, NEXT_BEST, PARTIAL, epochs_of


@dataclass(frozen=True, slots=True)
class Still:
    """The files of one checkpoint under other names, by their own, and the epochs that it has done."""

    epoch: int
    files: Mapping[str, Path]


@contextmanager
def held_still(directory: Path) -> Iterator[Still | None]:
    """The newest checkpoint in `directory` for the length of the block; only the weights, where only these are left.

    None where there is none, or it is just being replaced.

    Raises:
        OSError: a file cannot be linked or copied.
    """
    token = token_hex(4)
    linked: dict[str, Path] = {}
    try:
        for name in (LAST, BEST, NEXT_BEST, PARTIAL):  # in this order: the weights may be newer than `last`, not older
            target = directory / f".{name}.{token}{UNFINISHED}"
            if _link(directory / name, target):
                linked[name] = target
        yield _matching(linked)
    finally:
        for path in linked.values():
            path.unlink(missing_ok=True)


def hand_on(directory: Path, target: Path) -> int:
    """Let the training in the folder `target` go on from the newest checkpoint in `directory`, which stays.

    Returns the epochs that it has done; 0 where there is none to go on from, or `target` has one already.

    Raises:
        OSError: a file cannot be linked or copied.
    """
    with held_still(directory) as still:
        if still is None or LAST not in still.files or (target / LAST).exists():
            return 0
        target.mkdir(parents=True, exist_ok=True)
        for name in (BEST, PARTIAL, LAST):  # last of all what makes a checkpoint of them
            if name in still.files:
                (target / name).unlink(missing_ok=True)
                _link(still.files[name], target / name)
        return still.epoch


def _link(source: Path, target: Path) -> bool:
    """Link `target` to the file that is `source` now; False where there is none."""
    # a checkpoint is replaced, and never written to: a second name keeps it as it is
    if not source.exists():
        return False
    try:
        os.link(source, target)
    except OSError:  # a disk without links, or the file is being removed, which the copy finds out
        shutil.copyfile(source, target)
    return True


def _matching(files: Mapping[str, Path]) -> Still | None:
    """The files that belong together, see checkpoint.save_pair."""
    epochs = {name: each for name, path in files.items() if (each := epochs_of(path)) is not None}
    if LAST not in files:
        return Still(epochs[BEST].done, {BEST: files[BEST]}) if BEST in epochs else None
    last = epochs.get(LAST)
    weights = [name for name in (BEST, NEXT_BEST) if last and name in epochs and epochs[name].done == last.best]
    if last is None or not weights:
        return None
    whole = {LAST: files[LAST], BEST: files[weights[0]]}
    if PARTIAL in epochs and epochs[PARTIAL].done == last.done + 1:
        whole[PARTIAL] = files[PARTIAL]
    return Still(last.done, whole)
