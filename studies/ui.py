"""The browsers of a home, optuna-dashboard and the MLflow UI, as child processes that only this machine can reach."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import StudyError
from ..masking import masked
from .storage import open_storage
from .tracking.mlflow_store import make_private
from .tracking.stores import Stores

HOST = "127.0.0.1"
START_TIMEOUT_S = 120.0
"""A fresh MLflow file is migrated first, which takes 10 s or more."""
STOP_TIMEOUT_S = 5.0

# both get their URL from the environment: a command line, where it may hold a password, can be read by everyone
_DASHBOARD = (
    "import os, sys; sys.argv += [os.environ['HPO_UI_STORAGE']]; from optuna_dashboard._cli import main; main()"
)

# what a user's own `mlflow server` is set up with: read by ours, it would move the page or forbid it
_SERVER_OPTIONS = {
    "MLFLOW_ARTIFACTS_ONLY",
    "MLFLOW_DEFAULT_ARTIFACT_ROOT",
    "MLFLOW_EXPOSE_PROMETHEUS",
    "MLFLOW_GUNICORN_OPTS",
    "MLFLOW_READ_REPLICA_BACKEND_STORE_URI",
    "MLFLOW_SERVER_ALLOWED_HOSTS",
    "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS",
    "MLFLOW_SERVE_ARTIFACTS",
    "MLFLOW_STATIC_PREFIX",
    "MLFLOW_UVICORN_OPTS",
    "MLFLOW_WORKSPACE",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where to point a browser."""

    dashboard: str
    mlflow: str


class Server:
    """A child process that serves HTTP, with every process that it starts itself."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], port: int) -> None:
        self.name = name
        self.address = f"http://{HOST}:{port}/"
        log, log_path = tempfile.mkstemp(prefix="hpo-ui-", suffix=".log")
        self._log = Path(log_path)
        self._process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C reaches us alone, and `stop` reaches the whole group
        )
        os.close(log)

    def wait_ready(self, timeout_s: float) -> None:
        """Wait until it answers.

        Raises:
            StudyError: it ended, or did not answer in time; the message holds the end of its log.
        """
        until = time.monotonic() + timeout_s
        while not _answers(self.address):
            self.check_alive()
            if time.monotonic() > until:
                raise StudyError(f"{self.name} does not answer at {self.address} after {timeout_s:.0f} s{self._tail()}")
            time.sleep(0.1)
        self.check_alive()

    def check_alive(self) -> None:
        """Nothing, while it runs.

        Raises:
            StudyError: it has ended.
        """
        if (code := self._process.poll()) is not None:
            raise StudyError(f"{self.name} has ended with code {code}{self._tail()}")

    def stop(self) -> None:
        """End it and all it has started: asked first, forced after STOP_TIMEOUT_S."""
        _signal_group(self._process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_S)
        # note: the leader may be gone before its workers
        _signal_group(self._process, signal.SIGKILL)
        self._process.wait()
        self._log.unlink(missing_ok=True)

    def _tail(self) -> str:
        """What its log says of the reason: the last error in it, or its last lines."""
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if re.search(r"Error\b.*:|\bERROR\b|Errno", line)]
        return "".join(f"\n  {masked(line)[:200]}" for line in errors[-1:] or lines[-2:])


@contextmanager
def serve(
    storage_url: str,
    stores: Stores,
    artifacts: Path,
    attachments: Path,
    dashboard_port: int | None = None,
    mlflow_port: int | None = None,
) -> Iterator[tuple[Addresses, tuple[Server, ...]]]:
    """Start both browsers, wait until they answer, stop them on leaving.

    Gives their addresses and the running servers. A tracking store that is a server already is only passed through.
    `artifacts` is where MLflow keeps the files of experiments made through its UI, `attachments` where the files that
    are attached to trials lie. Without a port, a free one is taken.

    Raises:
        StudyError: a store cannot be opened, a port is taken, or a server does not start.
    """
    open_storage(storage_url).engine.dispose()
    for uri in stores:
        make_private(uri)
    attachments.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        servers = [_start(running, *_dashboard(storage_url, attachments, _port(dashboard_port, "optuna-dashboard")))]
        if not _is_server(stores.tracking):
            servers.append(_start(running, *_mlflow(stores, artifacts, _port(mlflow_port, "the MLflow UI"))))
        for server in servers:
            server.wait_ready(START_TIMEOUT_S)
        mlflow = servers[1].address if len(servers) > 1 else stores.tracking
        yield Addresses(servers[0].address, mlflow), tuple(servers)


def _start(running: ExitStack, name: str, command: Sequence[str], environment: Mapping[str, str], port: int) -> Server:
    server = Server(name, command, environment, port)
    running.callback(server.stop)
    return server


def _dashboard(storage_url: str, attachments: Path, port: int) -> tuple[str, list[str], dict[str, str], int]:
    command = [sys.executable, "-c", _DASHBOARD, "--host", HOST, "--port", str(port), "--server", "wsgiref", "--quiet"]
    command += ["--artifact-dir", str(attachments)]
    return "optuna-dashboard", command, {**os.environ, "HPO_UI_STORAGE": storage_url}, port


def _mlflow(stores: Stores, artifacts: Path, port: int) -> tuple[str, list[str], dict[str, str], int]:
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    environment = {
        **{name: value for name, value in os.environ.items() if name not in _SERVER_OPTIONS},
        "MLFLOW_BACKEND_STORE_URI": stores.tracking,
        "MLFLOW_REGISTRY_STORE_URI": stores.tracking if _is_server(stores.registry) else stores.registry,
        "MLFLOW_ARTIFACTS_DESTINATION": str(artifacts),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # three more processes, for language models only
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return "the MLflow UI", command, environment, port


def _is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def _port(wanted: int | None, name: str) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted or 0))
        except (OSError, OverflowError) as error:
            raise StudyError(f"port {wanted} for {name} is not free; give another one, or none for any") from error
        return int(probe.getsockname()[1])


def _answers(address: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
