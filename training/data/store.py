"""The cache of packs: each made once, whole or not at all.

<cache>/<fingerprint>/            a finished pack
<cache>/.partial/<fingerprint>/   one in the making, renamed into place when every byte is on disk
<cache>/.locks/<fingerprint>      held (flock) by the process that makes it; the system lets go when that dies
<cache>/.seen/<signature>         the fingerprint of a source that looked like this
"""

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...common.bounded import JSON_BYTES, read_bytes
from ...common.private import no_link
from ...errors import DataError
from .pack import Pack


@dataclass(frozen=True, slots=True)
class Store:
    """The packs in the folder `cache`, an absolute path."""

    cache: Path

    def recall(self, signature: str) -> Pack | None:
        """Return the pack made from a source with this signature, if any."""
        try:
            return self.find(read_bytes(self.cache / ".seen" / signature, JSON_BYTES).decode(errors="replace"))
        except FileNotFoundError:
            return None

    def remember(self, signature: str, fingerprint: str) -> None:
        """Record the fingerprint of a source with this signature."""
        note = self.cache / ".seen" / signature
        note.parent.mkdir(parents=True, exist_ok=True)
        draft = note.with_name(f".{signature}.{os.getpid()}")
        draft.write_text(fingerprint)
        draft.replace(note)

    def open_or_make(self, fingerprint: str, make: Callable[[Path], None]) -> Pack:
        """Return the pack with this fingerprint, making it if needed.

        `make` fills an empty folder that then becomes the pack.

        Raises:
            DataError, OSError: from `make`; nothing of the attempt remains visible.
        """
        with _locked(self.cache / ".locks" / fingerprint, wait=True):
            self._sweep(fingerprint)
            # again under the lock: another process may have made it meanwhile
            return self.find(fingerprint) or self._make(fingerprint, make)

    def find(self, fingerprint: str) -> Pack | None:
        """Return the pack with this fingerprint, None where there is none.

        Studies and trainings name packs so. None also where it is damaged, or the name is no fingerprint.
        """
        if re.fullmatch("[0-9a-f]+", fingerprint):
            with contextlib.suppress(DataError):
                return Pack.open(self.cache / fingerprint)
        return None

    def _make(self, fingerprint: str, make: Callable[[Path], None]) -> Pack:
        partial, final = self.cache / ".partial" / fingerprint, self.cache / fingerprint
        partial.mkdir(parents=True)
        try:
            make(partial)
            _sync_tree(partial)
            if final.exists():  # damaged, or `find` would have taken it
                shutil.rmtree(final)
            partial.rename(final)
            _sync(self.cache)  # note: the rename is durable only once its folder is on disk
        except BaseException:  # KeyboardInterrupt too
            shutil.rmtree(partial, ignore_errors=True)
            raise
        return Pack.open(final)

    def _sweep(self, own_fingerprint: str) -> None:
        """Remove partial packs of killed processes.

        Those whose lock nobody else holds.
        """
        for partial in (self.cache / ".partial").glob("*"):
            if partial.name == own_fingerprint:
                shutil.rmtree(partial)
                continue
            with _locked(self.cache / ".locks" / partial.name, wait=False) as held:
                if held:
                    shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock file `path`; yield whether it is held.

    Without `wait` it may not be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", opener=no_link) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _sync_tree(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
