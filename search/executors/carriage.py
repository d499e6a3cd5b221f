"""The way of a checkpoint between a trial's folder and the store: what threads do."""

import time
from contextlib import suppress
from pathlib import Path

from ...studies.shared_files.checkpoint import Checkpoint, TrialStore
from ...studies.shared_files.entry import TamperedError
from ...studies.shared_files.object_store import ObjectStoreError
from ...training.checkpoints.files import BEST, LAST, NEXT_BEST, PARTIAL, epochs_of
from ...training.checkpoints.still import held_still

RETRIES_S = (1.0, 5.0, 25.0)
"""How long a fetch waits before it is tried again: to begin anew costs more than half a minute."""

Seen = frozenset[tuple[str, int, int]]


def look(directory: Path) -> Seen:
    """The checkpoint in a folder as it is now, to see whether it changes; the weights where only these are left."""
    names = (LAST, PARTIAL) if (directory / LAST).exists() else (BEST,)
    seen = set()
    for name in names:
        with suppress(OSError):
            status = (directory / name).stat()
            # of a disk whose clock is coarse the number of the file tells more than its time
            seen.add((name, status.st_mtime_ns, status.st_ino))
    return frozenset(seen)


def is_ahead(directory: Path, shared: Checkpoint) -> bool:
    """Whether the checkpoint in a folder is further than the one that is shared."""
    here = epochs_of(directory / LAST)
    return here is not None and here.done > shared.epoch


def put(store: TrialStore, directory: Path, generation: int, former: Checkpoint | None) -> Checkpoint | None:
    """Write the newest checkpoint in a folder into the store; None where there is none."""
    with held_still(directory) as still:
        return None if still is None else store.put(generation, still.epoch, still.files, former)


def fetch(store: TrialStore, shared: Checkpoint, directory: Path) -> None:
    """Replace the checkpoint in a folder by the one that is shared.

    Raises:
        StudyError: it cannot be fetched, or is not what the trial says of it.
    """
    for wait_s in (*RETRIES_S, None):
        try:
            store.fetch(shared, directory)
            break
        except TamperedError:
            raise
        except ObjectStoreError:
            if wait_s is None:
                raise
            time.sleep(wait_s)
    for name in {PARTIAL, NEXT_BEST} - shared.files.keys():  # of the checkpoint that was here
        (directory / name).unlink(missing_ok=True)
