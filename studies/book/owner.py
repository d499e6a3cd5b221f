"""The owner of a trial, and whether it still lives.

A process is named by boot, namespace of pids, pid and start time: a pid alone is used again after a while and after a
reboot, and every container counts its own. Two machines may have one host name, so it is told and decides nothing on a
server.
"""

import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

import psutil
from optuna.trial import FrozenTrial

from .. import attributes
from ..waiting import GRACE_S

FOREIGN_GRACE_S = 24 * 3600.0
"""How long a trial of a program other than hpo may run where it sends no heartbeat at all.

A day is longer than most trainings; a trial that was left behind holds up nothing meanwhile, since it is not waited
for.
"""

_EPOCH_S = 1e9  # no machine is up for thirty years, and no study is from before 2001


@dataclass(frozen=True, slots=True)
class Owner:
    """A process on a machine, begun `started` seconds after its boot.

    `pid_namespace` names what `pid` is counted in; it is empty where it is not known, as in studies of older versions.
    There `started` is in seconds since the epoch.
    """

    host: str
    boot: str
    pid: int
    started: float
    pid_namespace: str = ""

    @classmethod
    @cache
    def me(cls) -> "Owner":
        """This process."""
        process = psutil.Process()
        return cls(socket.gethostname(), _boot_id(), process.pid, _started(process), _pid_namespace())

    def as_attribute(self, seen: float, book: str = "", grace_s: float = GRACE_S) -> dict[str, Any]:
        """The value of the trial's attribute, with the heartbeat `seen` (epoch seconds), and which `book` of it."""
        return {**asdict(self), "seen": seen, "book": book, "grace_s": grace_s}

    @property
    def is_near(self) -> bool:
        """Whether its process can be looked up from here."""
        if not self.pid_namespace:
            return self.boot == _boot_id() and self.host == socket.gethostname()
        return self.boot == _boot_id() and self.pid_namespace == _pid_namespace()

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is on another machine."""
        # one kernel has one boot, whatever its containers call their hosts; after a reboot a host has its name
        return self.host != socket.gethostname() and self.boot != _boot_id()

    def alive(self) -> bool:
        """Whether the process still runs; only meaningful where `is_near`."""
        if self.boot != _boot_id():
            return False
        try:
            process = psutil.Process(self.pid)
            started = self.started if self.started < _EPOCH_S else self.started - psutil.boot_time()
            # two seconds of tolerance: the clock may be set as its two times are read, and the kernel counts in ticks
            same = abs(_started(process) - started) < 2
            # a zombie has ended, and only waits for its parent to take notice
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False


def is_orphan(
    trial: FrozenTrial, silent_s: float, now: float, *, has_heartbeat: bool = False, one_machine: bool = False
) -> bool:
    """Whether nobody runs a RUNNING trial any more, which has given no sign of life for `silent_s` seconds.

    Our own trials have an owner, unless they are paused. One without was claimed by an older version of hpo, or is run
    by another program on Optuna, whose heartbeat it may have. Without one that program has a day from the start of the
    trial, `now` being in seconds since the epoch. `one_machine` says that all who share the store are on this machine.
    """
    notes = trial.user_attrs
    if notes.get(attributes.PAUSED):
        return False
    if is_owner(owner := notes.get(attributes.OWNER)):
        return is_gone(owner, silent_s, one_machine=one_machine)
    started = trial.datetime_start
    if started and not has_heartbeat and is_foreign(notes, bool(trial.params or trial.intermediate_values)):
        # the one place where two clocks are compared: what they differ by is little beside a day
        return now - started.timestamp() > FOREIGN_GRACE_S
    return silent_s > GRACE_S


def is_foreign(notes: Mapping[str, Any], has_values: bool) -> bool:
    """Whether a program other than hpo runs a RUNNING trial with the attributes `notes`.

    `has_values` says whether it has parameters or epochs.
    """
    # an older version wrote an owner down before it drew a value, so one without values may still become its own
    owner = notes.get(attributes.OWNER, "nobody's")
    return has_values and not (owner is None or is_owner(owner) or attributes.CONFIG in notes)


def is_owner(attribute: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether an attribute has the form that `Owner.as_attribute` makes."""
    # another program may have an attribute of the same name
    return isinstance(attribute, Mapping) and attribute.keys() - {"pid_namespace", "book", "grace_s"} == {
        "host",
        "boot",
        "pid",
        "started",
        "seen",
    }


def is_gone(attribute: Mapping[str, Any], silent_s: float, *, one_machine: bool = False) -> bool:
    """Whether the owner in a trial's attribute is gone, of which nothing was heard for `silent_s` seconds.

    Where its process can be looked up, that decides; and no process outlives a reboot, where the host's name is surely
    that of `one_machine`. Elsewhere only the heartbeat speaks.
    """
    owner = owner_in(attribute)
    rebooted = one_machine and owner.host == socket.gethostname() and owner.boot != _boot_id()
    if rebooted or owner.is_near:
        return not owner.alive()
    return silent_s > grace_in(attribute)


def owner_in(attribute: Mapping[str, Any]) -> Owner:
    """The owner in a trial's attribute."""
    return Owner(**{name: value for name, value in attribute.items() if name not in ("seen", "book", "grace_s")})


def grace_in(attribute: Mapping[str, Any]) -> float:
    """How long the owner in a trial's attribute may be silent, in seconds; an older version did not say."""
    grace_s = attribute.get("grace_s")
    return float(grace_s) if isinstance(grace_s, int | float) else GRACE_S


def _started(process: psutil.Process) -> float:
    """When a process began, in seconds after the boot: a time since the epoch moves when the clock is set."""
    return float(process.create_time() - psutil.boot_time())


@cache
def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else str(int(psutil.boot_time()))


@cache
def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not on Linux, or without /proc
        return ""
