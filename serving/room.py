"""Room for connections: how many, and which go first."""

import heapq
import resource
from typing import Protocol

MOST = 1000  # connections, as far as the limit of open files, 1,024 on many systems, lets them be
_SPARE = 64  # descriptors that models, logs and databases may need
_AT_ONCE = 32  # are given up together: to find the one that has waited longest takes a look at all


class Client(Protocol):
    """A connection, as far as its place is concerned; see `Connection`."""

    @property
    def phase(self) -> int:
        """Return its phase; lower ones are given up sooner."""
        ...

    @property
    def until(self) -> float:
        """Return when it is given up, by the loop's clock."""
        ...

    @property
    def owed(self) -> bool:
        """Tell whether it waits for an answer."""
        ...

    def hang_up_if_late(self, now: float) -> None:
        """Close it if its time is up."""

    def push_out(self) -> None:
        """Close it now."""


class Room:
    """Room for `MOST` connections, or fewer by the limit of open files.

    The limit is that of `ulimit -n`.
    """

    def __init__(self) -> None:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most = MOST if files == resource.RLIM_INFINITY else max(1, min(MOST, files - _SPARE))
        self._clients: set[Client] = set()

    def enter(self, new: Client) -> bool:
        """Take a client in, in place of others where all is full.

        Returns whether there is room.

        First go those between two requests, then those whose head is not here, then those whose body is not; of these
        the ones that began first. A client that is owed an answer is never pushed out.
        """
        full = len(self._clients) >= self.most
        waiting = [client for client in self._clients if not client.owed] if full else []
        oldest = heapq.nsmallest(_AT_ONCE, waiting, key=lambda client: (client.phase, client.until))
        for client in oldest:
            if client.phase == oldest[0].phase:
                self.leave(client)
                client.push_out()
        self._clients.add(new)
        return bool(oldest) or not full

    def leave(self, client: Client) -> None:
        """Forget a client that is gone."""
        self._clients.discard(client)

    def hang_up_on_late(self, now: float) -> None:
        """Close all whose time is up; called every second.

        `now` is the loop's time.
        """
        for client in list(self._clients):
            client.hang_up_if_late(now)
