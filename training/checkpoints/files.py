"""The checkpoint files of a training, and their removal.

No torch: the coordinator removes them.
"""

from contextlib import suppress
from pathlib import Path

LAST = "last.ckpt"
BEST = "best.ckpt"
NEXT_BEST = "best.ckpt.next"  # written beside the best of the pair before, see checkpoint.save_pair
PARTIAL = "partial.ckpt"  # the part of an epoch that was done when the training was paused

_REMAINS = (".*.ckpt*.tmp", "set-aside-*/*.ckpt*")  # left by a worker that was killed as it wrote, and of corrupt ones


def remove_checkpoints(directory: Path, keep: str = "") -> None:
    """Remove the checkpoints in `directory` but the file `keep`.

    A file that cannot be removed stays: the space is lost, the study goes on.
    """
    files = [directory / name for name in (LAST, BEST, NEXT_BEST, PARTIAL) if name != keep]
    for path in (*files, *(path for pattern in _REMAINS for path in directory.glob(pattern))):
        with suppress(OSError):
            path.unlink()
