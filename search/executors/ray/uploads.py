"""The checkpoints of one trial, on their way from its folder on a node to the store that all nodes share."""

import time
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ....errors import StudyError
from ....studies.shared_files.checkpoint import Checkpoint, TrialStore
from ..carriage import Seen, fetch, look, put
from ..errand import in_thread


@dataclass
class Uploads:
    """Shares the checkpoints that appear in `directory`; the newest one wins.

    `shared` is the newest in the store, None for none. While one is on its way, those that follow it are passed over,
    and a store that fails costs no more than `problem`, which says why, until the next one.
    """

    store: TrialStore
    directory: Path
    generation: int
    shared: Checkpoint | None
    problem: str = ""
    _seen: Seen = frozenset()
    _errand: "Future[Checkpoint | None] | None" = None
    _until: float = float("inf")

    def fetch(self) -> None:
        """Bring the newest checkpoint into the folder.

        Raises:
            StudyError: it cannot be fetched.
        """
        if self.shared is not None:
            fetch(self.store, self.shared, self.directory)
            self._seen = look(self.directory)

    def turn(self) -> Checkpoint | None:
        """Go on, without waiting; return a checkpoint that has arrived."""
        arrived = self._take()
        if self._errand is None:
            seen = look(self.directory)
            if not seen <= self._seen:
                self._seen = seen
                errand = partial(put, self.store, self.directory, self.generation, self.shared)
                self._errand = in_thread(errand, "checkpoint")
        return arrived

    def hurry(self, within_s: float) -> None:
        """Be `done` after `within_s` seconds at the latest."""
        self._until = min(self._until, time.monotonic() + within_s)

    @property
    def done(self) -> bool:
        """Whether nothing is on its way, or it took too long."""
        return self._errand is None or time.monotonic() >= self._until

    def _take(self) -> Checkpoint | None:
        if self._errand is None or not self._errand.done():
            return None
        errand, self._errand = self._errand, None
        try:
            arrived = errand.result()
        except (StudyError, OSError) as error:
            self.problem = str(error)
            return None
        if arrived is None:  # it was just being replaced
            self._seen = frozenset()
            return None
        self.problem, self.shared = "", arrived
        return arrived
