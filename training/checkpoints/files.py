"""The checkpoint files of a training, and their removal.

No torch: the coordinator removes them.
"""

import re
from contextlib import suppress
from pathlib import Path

LAST = "last.ckpt"
BEST = "best.ckpt"
NEXT_BEST = "best.ckpt.next"  # written beside the best of the pair before, see checkpoint.save_pair
PARTIAL = "partial.ckpt"  # the part of an epoch that was done when the training was paused

_CHECKPOINTS = frozenset({LAST, BEST, NEXT_BEST, PARTIAL})
_SET_ASIDE = "set-aside-"  # folders of corrupt ones
_UNFINISHED = re.compile(r"\..*\.ckpt.*\.tmp")  # left by a worker that was killed as it wrote


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
