"""Which files the checkpoints of a run are, and how they are removed. No torch: the coordinator does that."""

from contextlib import suppress
from pathlib import Path

LAST = "last.ckpt"
BEST = "best.ckpt"
NEXT_BEST = "best.ckpt.next"

_REMAINS = (".*.ckpt*.tmp", "set-aside-*/*.ckpt*")  # of a worker that was killed as it wrote, and of corrupt ones


def remove_checkpoints(directory: Path, keep: str = "") -> None:
    """Remove every checkpoint of the run in `directory` but the file `keep`; what cannot be removed stays."""
    files = [directory / name for name in (LAST, BEST, NEXT_BEST) if name != keep]
    for path in (*files, *(path for pattern in _REMAINS for path in directory.glob(pattern))):
        with suppress(OSError):
            path.unlink()
