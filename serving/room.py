"""How many connections there may be, and which are given up for new ones."""

import heapq
import resource
from typing import Protocol

MOST = 1000
_SPARE = 64  # descriptors that models, logs and databases may need
_AT_ONCE = 32  # are given up together: to find the one that has waited longest takes a look at all


class Client(Protocol):
    """A connection, as far as its place is concerned; see `Connection`."""

    @property
    def phase(self) -> int:
        """What it waits for; the lower, the sooner it is given up."""
        ...

    @property
    def until(self) -> float:
        """When it is given up, by the loop's clock."""
        ...

    @property
    def owed(self) -> bool:
        """Whether it waits for an answer."""
        ...

    def hang_up_if_late(self, now: float) -> None:
        """Close it if its time is up."""

    def push_out(self) -> None:
        """Close it now."""


class Room:
    """For `MOST` connections, or as many as the limit of open files (`ulimit -n`) leaves."""

    def __init__(self) -> None:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most = MOST if files == resource.RLIM_INFINITY else max(1, min(MOST, files - _SPARE))
        self._clients: set[Client] = set()

    def enter(self, new: Client) -> bool:
        """Whether there is room for a new client; where all is full others are pushed out.

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
        """It is gone."""
        self._clients.discard(client)

    def hang_up_on_late(self, now: float) -> None:
        """Called every second, with the loop's time."""
        for client in list(self._clients):
            client.hang_up_if_late(now)
