"""Server processes: ours, plain FastAPI and MLflow's, under load."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from harness import free_port
from load import closed_loop, percentile_ms

OURS, PLAIN, MLFLOW = "hpo serve", "FastAPI and ONNX Runtime", "mlflow models serve"
OURS_MANY, PLAIN_MANY = f"{OURS}, a worker per core", f"{PLAIN}, a worker per core"
START_S = 180  # until a server listens; MLflow's is the slowest to import all that it needs


@dataclass(frozen=True)
class Measured:
    """One run of so many clients."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    failed: int


def command(side: str, folder: Path, port: int) -> list[str]:
    """Return the command that starts a server."""
    export, workers = str(folder / "export"), str(os.cpu_count()) if side in (OURS_MANY, PLAIN_MANY) else "1"
    if side in (OURS, OURS_MANY):
        return [sys.executable, "-m", "hpo.serving", export, "--port", str(port), "--workers", workers]
    if side in (PLAIN, PLAIN_MANY):
        return [sys.executable, str(Path(__file__).parent / "peer_server.py"), export, str(port), workers]
    served = ["models", "serve", "-m", str(folder / "mlflow"), "--env-manager", "local", "--port", str(port)]
    return [sys.executable, "-m", "mlflow", *served, "--workers", "1"]


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Run this thread, and what it starts, on `cores`."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


@contextmanager
def running(side: str, folder: Path, cores: set[int], *flags: str) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """Start a server pinned to `cores`; yield it and its port.

    `flags` are further ones of `hpo serve`.
    """
    port = free_port()
    # note: MLflow starts uvicorn by its name, wherever the environment is not activated
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with pinned(cores):
        server = subprocess.Popen(
            [*command(side, folder, port), *flags],
            env={**os.environ, "PATH": path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        wait_for(port, server)
        yield server, port
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    """Wait until a server listens."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"no server listens on port {port}")


def measure(port: int, server: "subprocess.Popen[bytes]", content: bytes, clients: int, seconds: float) -> Measured:
    """Measure a closed loop of `clients`."""
    before = cpu_seconds(server.pid)
    replies = closed_loop(port, content, clients, seconds)
    cpu = cpu_seconds(server.pid) - before
    good = [reply for reply in replies if reply.status == 200]
    if not good:
        raise SystemExit(f"no request was answered: {replies[-1]}")
    return Measured(
        len(good) / seconds,
        percentile_ms(good, 50),
        percentile_ms(good, 99),
        cpu / len(good) * 1000,
        len(replies) - len(good),
    )


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process and its children so far."""
    process = psutil.Process(pid)
    return sum(sum(member.cpu_times()[:2]) for member in (process, *process.children(recursive=True)))
