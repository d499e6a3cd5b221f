"""A Ray cluster of several nodes on this machine, with a token of its own.

Its nodes are on two machines, namespaces which reach nothing but themselves and, over a wire that can be cut, each
other.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from secrets import choice, token_hex
from typing import Any

import psutil
import pytest

PORTS = range(20_000, 32_000)  # between those of Ray's workers and those that Linux gives away
MACHINES = ("10.77.0.1", "10.77.0.2")  # on the two ends of a wire
START_S = 60.0
QUICK = {
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "500",
    "RAY_health_check_failure_threshold": "4",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "5",
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
}
"""What has Ray tell within seconds that a node is cut off, or the head gone, where it usually takes a minute; and start
no process before it is asked for one."""
LEAN = ("--include-dashboard=false", "--no-monitor")
"""A head without its web page, and without what would ask for further machines."""
_RAY = str(Path(sys.executable).with_name("ray"))
_SPACES = ["unshare", *(() if os.geteuid() == 0 else ("--map-root-user",)), "--net", "--kill-child", "--fork"]


@dataclass
class Machine:
    """A network namespace, held by a process that sleeps."""

    holder: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        """A process in it."""
        return psutil.Process(self.holder.pid).children()[0].pid

    @property
    def prefix(self) -> list[str]:
        """What puts a command into it."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net"]


@dataclass
class RayCluster:
    """Nodes on two machines; what talks to them is on the first, and has `environment`, `variables` among it."""

    machines: list[Machine]
    folder: Path
    token: str
    port: int = field(default_factory=lambda: choice(PORTS))
    """Its own: Ray looks for a running head in the command lines of all processes, those of other clusters, too."""
    nodes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where its head is asked."""
        return f"{MACHINES[0]}:{self.port}"

    @property
    def prefix(self) -> list[str]:
        """What puts a command onto the first machine."""
        return self.machines[0].prefix

    @property
    def environment(self) -> dict[str, str]:
        """The variables of what talks to the cluster."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        own = {"HOME": str(self.folder), "RAY_TMPDIR": str(self.folder), "RAY_USAGE_STATS_ENABLED": "0"}
        return kept | own | QUICK | self.tokens | self.variables

    @property
    def tokens(self) -> dict[str, str]:
        """The variables that hold the token."""
        return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token} if self.token else {"RAY_AUTH_MODE": "disabled"}

    def start(
        self, machine: int = 0, cpus: int = 2, path: Sequence[str] = (), without: Path | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start a node, the head where there is none, on a machine that may be `without` a folder.

        `path` is the import path of its workers.
        """
        where = [f"--address={self.address}"] if self.nodes else ["--head", f"--port={self.port}", *LEAN]
        own = [f"--num-cpus={cpus}", f"--node-ip-address={MACHINES[machine]}", "--include-log-monitor=false"]
        command = [_RAY, "start", *where, *own, "--block"]
        if without is not None:
            hidden = 'mount -t tmpfs none "$0" && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", hidden, str(without), *command]
        paths = os.pathsep.join(str(Path(entry).absolute()) for entry in (*path, *sys.path) if entry)
        with (self.folder / f"node-{len(self.nodes)}.log").open("wb") as log:
            node = subprocess.Popen(
                [*self.machines[machine].prefix, *command], env=self.environment | {"PYTHONPATH": paths},
                start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.nodes.append(node)
        self._wait_for(len(self.nodes))
        return node

    def _wait_for(self, count: int) -> None:
        deadline = time.monotonic() + START_S
        log = self.folder / f"node-{count - 1}.log"
        while b"Ray runtime started" not in log.read_bytes():
            assert time.monotonic() < deadline, log.read_text()
            assert self.nodes[-1].poll() is None, log.read_text()
            time.sleep(0.1)

    def kill(self, node: "subprocess.Popen[bytes]") -> None:
        """Kill all processes of a node at once, as a machine that fails."""
        processes = [psutil.Process(node.pid), *psutil.Process(node.pid).children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        node.wait()
        psutil.wait_procs(processes, 10)

    def kill_head(self) -> None:
        """Kill the head, and whatever of Ray's is left on its machine."""
        self.kill(self.nodes.pop(0))
        left = [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(f"{self.folder}/" in word for word in process.info["cmdline"] or ()) and self.is_on(0, process)
        ]
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, 10)

    def processes(self, name: str) -> list[psutil.Process]:
        """All processes of all nodes, cut off or not, with `name` in their command lines."""
        named = []
        for node in self.nodes:
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(node.pid).children(recursive=True):
                    with suppress(psutil.NoSuchProcess):  # a zombie, too
                        named += [child] * (name in " ".join(child.cmdline()))
        return named

    def is_on(self, machine: int, process: psutil.Process) -> bool:
        """Whether a process is on a machine."""
        spaces = [Path(f"/proc/{pid}/ns/net").stat().st_ino for pid in (process.pid, self.machines[machine].pid)]
        return spaces[0] == spaces[1]

    def wire(self, state: str) -> None:
        """Cut the wire between the machines, `down`, or mend it, `up`."""
        subprocess.run([*self.prefix, "ip", "link", "set", "wire", state], check=True)

    def end(self) -> None:
        """End all of it."""
        for node in self.nodes:
            if node.poll() is None:
                self.kill(node)
        for machine in self.machines:
            machine.holder.kill()
            machine.holder.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def ray_cluster(token: str | None = None) -> Iterator[RayCluster]:
    """A namespace for a cluster without nodes yet; `token` "" is for one that anybody may use."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    ready = [*_SPACES, "ip", "link", "set", "lo", "up"]
    if not shutil.which("nsenter") or not shutil.which("ip") or subprocess.run(ready, check=False).returncode:
        pytest.skip("no network namespaces on this machine")
    # short: the paths of sockets in it must not be longer than 107 characters
    folder = Path(tempfile.mkdtemp(prefix="hpo-ray-", dir="/tmp"))
    cluster = RayCluster([_machine(), _machine()], folder, token_hex(32) if token is None else token)
    first, second = cluster.machines
    names = ["name", "wire", "type", "veth", "peer", "name", "wire", "netns", str(second.pid)]
    subprocess.run([*first.prefix, "ip", "link", "add", *names], check=True)
    for machine, address in zip(cluster.machines, MACHINES, strict=True):
        for words in (["addr", "add", f"{address}/24", "dev", "wire"], ["link", "set", "wire", "up"]):
            subprocess.run([*machine.prefix, "ip", *words], check=True)
    try:
        yield cluster
    finally:
        cluster.end()


def _machine() -> Machine:
    holder = subprocess.Popen([*_SPACES, "sh", "-c", "ip link set lo up && exec sleep infinity"])
    deadline = time.monotonic() + 10
    while not psutil.Process(holder.pid).children() and time.monotonic() < deadline:
        time.sleep(0.02)
    return Machine(holder)


def drivers_inside(cluster: RayCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Ray's drivers of this process start in the namespace of a cluster, with its token."""
    for name, value in cluster.environment.items():
        if name.startswith("RAY_") or name == "HOME":
            monkeypatch.setenv(name, value)

    def start(module: str, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
        environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": path}
        command = [*cluster.prefix, sys.executable, "-m", module, *arguments]
        return subprocess.Popen(command, env=environment, **options)

    monkeypatch.setattr("hpo.search.executors.ray.driver_process.start_python", start)
