"""The coordinator's handle of Ray's driver."""

import subprocess
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path

from ....common.children import ENDING, held_back, start_python
from ....common.private import no_link
from .cluster import Connect

EXIT_S = 8.0
"""How long a driver may take to end its actors."""


class DriverProcess:
    """A driver on its way to a cluster; `log` takes what goes wrong in it."""

    def __init__(self, connect: Connect, log: Path) -> None:
        self.control, theirs = Pipe()
        log.parent.mkdir(parents=True, exist_ok=True)
        with theirs, open(log, "ab", opener=no_link) as output, held_back(*ENDING):
            self._process = start_python(
                "hpo.search.executors.ray.driver",
                str(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C at the terminal is for the coordinator alone
            )
        self.send(connect)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def send(self, order: object) -> None:
        """Send an order; a driver that has ended is found when it is read."""
        with suppress(OSError):
            self.control.send(order)

    def socket(self) -> Connection:
        """The socket of a place that has just been told of."""
        return Connection(recv_handle(self.control))

    def end(self) -> None:
        """Have it end its actors, and end it."""
        self.control.close()
        try:
            self._process.wait(EXIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
