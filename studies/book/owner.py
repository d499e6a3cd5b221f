"""The owner of a trial, and whether it still lives.

A process is named by host, boot, pid and start time: a pid alone is used again after a while, and after a reboot.
"""

import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

import psutil
from optuna.trial import FrozenTrial, TrialState

from .. import attributes

GRACE_S = 300.0
"""How long a trial may give no sign of life where its process cannot be looked at: five heartbeats of ours missed.

Shorter, and a slow disk or a suspended laptop loses its trial to another machine, where both then train it; longer, and
a trial whose machine has died waits for as long.
"""
FOREIGN_GRACE_S = 24 * 3600.0
"""How long a trial of a program other than hpo may run where it sends no heartbeat at all.

A day is longer than most trainings; a trial that was left behind holds up nothing meanwhile, since it is not waited
for.
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process on a machine, begun at `started` seconds since the epoch."""

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
        """The value of the trial's attribute, with the heartbeat `seen` (epoch seconds)."""
        return {**asdict(self), "seen": seen}

    def alive(self) -> bool:
        """Whether the process still runs; only meaningful on its own host."""
        if self.boot != _boot_id():
            return False
        try:
            process = psutil.Process(self.pid)
            # two seconds of tolerance: the start time is derived from the boot time, which the clock's steps move
            same = abs(process.create_time() - self.started) < 2
            # a zombie has ended, and only waits for its parent to take notice
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False


def is_orphan(trial: FrozenTrial, silent_s: float | None, now: float) -> bool:
    """Whether nobody runs a RUNNING trial any more; `now` in epoch seconds.

    Our own trials have an owner. One without was asked for by hpo and not claimed yet, or is run by another program on
    Optuna: it is left alone until the heartbeat that Optuna keeps, `silent_s` seconds old (None: there is none), or
    the time since its start says that it is dead.
    """
    owner = trial.user_attrs.get(attributes.OWNER)
    if is_owner(owner):
        return is_gone(owner, now, GRACE_S)
    if silent_s is not None:
        return silent_s > GRACE_S
    if trial.datetime_start is None:
        return True
    return now - trial.datetime_start.timestamp() > (FOREIGN_GRACE_S if is_foreign(trial) else GRACE_S)


def is_foreign(trial: FrozenTrial) -> bool:
    """Whether a program other than hpo runs `trial`."""
    # hpo writes an owner down before it draws a value, so one without values may still become ours
    if trial.state is not TrialState.RUNNING or not (trial.params or trial.intermediate_values):
        return False
    owner = trial.user_attrs.get(attributes.OWNER, "nobody's")
    return not (owner is None or is_owner(owner) or attributes.CONFIG in trial.user_attrs)


def is_owner(attribute: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether an attribute has the form that `Owner.as_attribute` makes."""
    # another program may have an attribute of the same name
    return isinstance(attribute, Mapping) and attribute.keys() == {"host", "boot", "pid", "started", "seen"}


def is_gone(attribute: Mapping[str, Any], now: float, grace_s: float) -> bool:
    """Whether the owner in a trial's attribute is gone.

    On this host the process itself is looked up. On another one only the heartbeat speaks: gone once it is older than
    `grace_s` seconds.
    """
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
