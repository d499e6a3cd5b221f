"""The checkpoint files of a training: their epochs and their removal.

No torch: the coordinator looks at them and removes them.
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

LAST = "last.ckpt"
BEST = "best.ckpt"
NEXT_BEST = "best.ckpt.next"  # written beside the best of the pair before, see checkpoint.save_pair
PARTIAL = "partial.ckpt"  # the part of an epoch that was done when the training was paused

_CHECKPOINTS = frozenset({LAST, BEST, NEXT_BEST, PARTIAL})
_SET_ASIDE = "set-aside-"  # folders of corrupt ones
_UNFINISHED = re.compile(r"\..*\.ckpt.*\.tmp")  # left by a worker that was killed as it wrote

DIGEST_MARK = b"hpo-sha256:"
"""What stands before the SHA-256 at the end of a checkpoint."""
_EPOCHS = re.compile(rb"hpo-epochs:(\d+),(\d+);" + DIGEST_MARK + rb".{32}", re.DOTALL)
_TAIL_BYTES = 128  # more than two numbers and a digest take


class Epochs(NamedTuple):
    """The epochs of a checkpoint: how many it has `done`, and the `best` one, whose weights belong to it.

    Of weights alone both are their epoch, of a part of an epoch that one.
    """

    done: int
    best: int

    def to_bytes(self) -> bytes:
        """What stands of them in a file, before DIGEST_MARK."""
        return b"hpo-epochs:%d,%d;" % self


def epochs_of(path: Path) -> Epochs | None:
    """The epochs of a checkpoint; None where there is none, or an older version wrote it.

    Only its end is read: whoever loads it checks its digest.
    """
    with suppress(OSError), path.open("rb") as file:
        file.seek(-min(_TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
        if match := _EPOCHS.search(file.read()):
            return Epochs(*map(int, match.groups()))
    return None


def remove_checkpoints(directory: Path, keep: str = "") -> None:
    """Remove the checkpoints in `directory` but the file `keep`.

    A file that cannot be removed stays: the space is lost, the study goes on.
    """
    # listed once: at its start a search looks into the folder of each trial that has ended, thousands that have none
    with suppress(OSError):
        for path in directory.iterdir():
            if path.name.startswith(_SET_ASIDE):
                _remove(*path.glob("*.ckpt*"))
            elif path.name != keep and (path.name in _CHECKPOINTS or _UNFINISHED.fullmatch(path.name)):
                _remove(path)


def _remove(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()
