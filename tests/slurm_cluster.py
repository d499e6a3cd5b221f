"""Debian's Slurm on this machine: a controller and two nodes, of whoever runs the tests as root."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "scancel")
_CONF = """\
ClusterName=hpo
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=10
MinJobAge=600
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=2 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=2 State=UNKNOWN
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


@dataclass
class Slurm:
    """A cluster of two nodes with two CPUs each."""

    folder: Path

    def ask(self, *command: str, **options: object) -> str:
        """Run one of Slurm's commands; return what it prints."""
        environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **options,  # type: ignore[call-overload]
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return str(done.stdout)

    def state(self, job: str) -> str:
        """The state of a job, such as COMPLETED."""
        words = self.ask("scontrol", "show", "job", job).split()
        return next(word.partition("=")[2] for word in words if word.startswith("JobState="))


@contextmanager
def slurm_cluster() -> Iterator[Slurm]:
    """A cluster, for root alone."""
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        pytest.skip(f"no {missing[0]} on this machine")
    if os.geteuid() != 0:
        pytest.skip("Slurm's daemons are for root")
    folder = Path(tempfile.mkdtemp(prefix="hpo-slurm-", dir="/tmp"))
    ports = dict(zip(("controller", "first", "second"), _free_ports(3), strict=True))
    host = socket.gethostname().partition(".")[0]
    (folder / "slurm.conf").write_text(_CONF.format(folder=folder, host=host, **ports))
    (folder / "state").mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    files = {"key-file": key, **{f"{name}-file": folder / f"munge.{name}" for name in ("pid", "log", "seed")}}
    munge = ["munged", "-F", "-f", f"--socket={folder}/munge.socket", *(f"--{name}={f}" for name, f in files.items())]
    nodes = [["slurmd", "-D", "-N", name] for name in ("n1", "n2")]
    commands: list[Sequence[str]] = [munge, ["slurmctld", "-D"], *nodes]
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        for number, command in enumerate(commands):
            with (folder / f"daemon-{number}.log").open("wb") as log:
                daemons.append(
                    subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
                )
            time.sleep(0.5)
        slurm = Slurm(folder)
        _wait_for_nodes(slurm)
        yield slurm
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_nodes(slurm: Slurm) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if slurm.ask("sinfo", "--noheader", "--states=idle", "--format=%D").strip() == "2":
                return
        except AssertionError:
            pass
        logs = {log.name: log.read_text()[-500:] for log in slurm.folder.glob("*.log")}
        assert time.monotonic() < deadline, logs
        time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [door.getsockname()[1] for door in doors]
    for door in doors:
        door.close()
    return ports
