"""Who runs a trial, and whether they still live.

A process is named by host, boot, pid and start time: a pid alone is used again after a while, and after a reboot.
"""

import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True, slots=True)
class Owner:
    """A process on a machine. `started` is its start time in seconds since the epoch."""

    host: str
    boot: str
    pid: int
    started: float

    @classmethod
    @cache
    def me(cls) -> "Owner":
        """This process."""
        process = psutil.Process()
        return cls(socket.gethostname(), _boot_id(), process.pid, process.create_time())

    def as_attribute(self, seen: float) -> dict[str, Any]:
        """What is stored on the trial; `seen` is the heartbeat in seconds since the epoch."""
        return {**asdict(self), "seen": seen}

    def alive(self) -> bool:
        """Whether the process still runs; only meaningful on its own host."""
        if self.boot != _boot_id():
            return False
        try:
            process = psutil.Process(self.pid)
            # one tick of tolerance: the start time is derived from the boot time, which the clock's steps move
            same = abs(process.create_time() - self.started) < 2
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False


def is_gone(attribute: Mapping[str, Any] | None, now: float, grace_s: float) -> bool:
    """Whether the owner in a trial's attribute is gone.

    On this host the process itself is looked up. On another one only the heartbeat speaks: gone once it is older than
    `grace_s` seconds. A trial without an owner was orphaned between being asked for and being claimed.
    """
    if not attribute:
        return True
    fields = dict(attribute)
    seen = float(fields.pop("seen"))
    owner = Owner(**fields)
    if owner.host != socket.gethostname():
        return now - seen > grace_s
    return not owner.alive()


@cache
def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else str(int(psutil.boot_time()))
