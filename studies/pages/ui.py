"""Starting and stopping the pages of `hpo ui`, each a child process.

optuna-dashboard, the MLflow UI and TensorBoard listen on 127.0.0.1 alone. Each has a token of its own, without which it
answers nobody (guard.py).
"""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ...common.children import start_python
from ...common.masking import masked
from ...common.sqlite_url import absolute_url
from ...errors import StudyError
from ..store.storage import open_storage
from ..tracking.mlflow.mlflow_store import is_server, make_private
from ..tracking.mlflow.stores import Stores
from .server import HOST, DashboardPage, MlflowPage, Page, TensorboardPage
from .study_pages import dashboard_page, experiment_elsewhere, experiment_page

START_TIMEOUT_S = 120.0
"""A fresh MLflow file is migrated first, which takes 10 s or more."""
STOP_TIMEOUT_S = 5.0
"""A page has nothing to save, so it may be killed soon: the user waits for the terminal."""

# settings of a user's own `mlflow server`: ours would read them, and refuse our requests or show nothing
_SERVER_OPTIONS = {
    "MLFLOW_READ_REPLICA_BACKEND_STORE_URI",
    "MLFLOW_SERVER_ALLOWED_HOSTS",
    "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS",
    "MLFLOW_WORKSPACE",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of the pages, each with the token that opens it."""

    dashboard: str
    mlflow: str
    tensorboard: str | None = None


class Server:
    """A child process that serves a page, and its own children.

    It answers only requests with its token.
    """

    def __init__(self, name: str, page: Page, port: int) -> None:
        self.name = name
        self.token = secrets.token_urlsafe(32)
        self.address = f"http://{HOST}:{port}/"
        self._folder = tempfile.TemporaryDirectory(prefix="hpo-ui-", ignore_cleanup_errors=True)
        self._log = Path(self._folder.name) / "log"
        work = Path(self._folder.name) / "work"  # empty, so that nothing there can be taken for a module or a setting
        work.mkdir()
        request = {"page": type(page).__name__, "settings": asdict(page), "port": port, "token": self.token}
        with tempfile.TemporaryFile("w+") as standard_input, self._log.open("wb") as log:
            json.dump(request, standard_input)
            standard_input.seek(0)
            self._process = start_python(
                "hpo.studies.pages.server",
                environment=_environment(),
                cwd=work,
                stdin=standard_input,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C reaches us alone, and `stop` reaches the whole group
            )

    def link(self, path: str = "", fragment: str = "") -> str:
        """Return the address of `path`, at `fragment`, with the token."""
        return f"{self.address}{path}?token={self.token}{fragment}"

    def wait_ready(self, timeout_s: float) -> None:
        """Wait until it answers.

        Raises:
            StudyError: it ended, or did not answer in time; the message holds the end of its log.
        """
        until = time.monotonic() + timeout_s
        while not self._answers():
            self.check_alive()  # one that has ended, such as for a broken store, is not waited for
            if time.monotonic() > until:
                raise StudyError(f"{self.name} gives no answer at {self.address} in {timeout_s:.0f} s{self._tail()}")
            time.sleep(0.1)
        self.check_alive()  # what answered may be another process, that took the port first

    def check_alive(self) -> None:
        """Check that the process runs.

        Raises:
            StudyError: it has ended.
        """
        if (code := self._process.poll()) is not None:
            raise StudyError(f"{self.name} has ended with code {code}{self._tail()}")

    def stop(self) -> None:
        """End the process and all it has started, by force after STOP_TIMEOUT_S."""
        _signal_group(self._process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_S)
        # note: the leader may be gone before its workers
        _signal_group(self._process, signal.SIGKILL)
        self._process.wait()
        self._folder.cleanup()

    def _answers(self) -> bool:
        # no proxy stands before this machine, whatever the environment says
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(self.address, headers={"Authorization": f"Bearer {self.token}"})
        try:
            with direct.open(request, timeout=5):
                return True
        except OSError:
            return False

    def _tail(self) -> str:
        """Return the last error in its log, else its last two lines."""
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if re.search(r"Error\b.*:|\bERROR\b|Errno", line)]
        return "".join(f"\n  {masked(line)[:200]}" for line in errors[-1:] or lines[-2:])


@contextmanager
def serve(
    storage_url: str,
    stores: Stores,
    artifacts: Path,
    attachments: Path,
    study: str | None = None,
    dashboard_port: int | None = None,
    mlflow_port: int | None = None,
    event_files: Path | None = None,
    tensorboard_port: int | None = None,
) -> Iterator[tuple[Addresses, tuple[Server, ...]]]:
    """Start the pages, wait until they answer, stop them on leaving.

    Yields their addresses, at `study` where it is given, and the running servers. A tracking store that is a server
    already shows its own page, so none is started for it.
    `artifacts` is where MLflow keeps the files of experiments made through its UI, `attachments` where the files that
    are attached to trials lie, `event_files` the folder that TensorBoard shows, which is left out where that is None.
    Without a port, a free one is taken.

    Raises:
        StudyError: a store cannot be opened or has no such study, a port is taken, or a server does not start.
    """
    storage = open_storage(storage_url)
    path = "" if study is None else dashboard_page(storage, study)
    url = absolute_url(storage.engine.url.render_as_string(hide_password=False))  # with the driver that we found
    storage.engine.dispose()
    for uri in stores:
        make_private(uri)
    attachments.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        studies = DashboardPage(url, str(attachments.absolute()))
        dashboard = _start(running, "optuna-dashboard", studies, dashboard_port)
        ours: Server | None = None
        board: Server | None = None
        if not is_server(stores.tracking):
            registry = stores.tracking if is_server(stores.registry) else stores.registry
            runs = MlflowPage(stores.tracking, registry, artifacts.absolute().as_uri())
            ours = _start(running, "the MLflow UI", runs, mlflow_port)
        if event_files is not None:
            board = _start(running, "TensorBoard", TensorboardPage(str(event_files.absolute())), tensorboard_port)
        servers = [server for server in (dashboard, ours, board) if server is not None]
        for server in servers:  # after all have been started, so that they start at the same time
            server.wait_ready(START_TIMEOUT_S)
        mlflow = _mlflow_link(ours, stores.tracking, study)
        yield Addresses(dashboard.link(path), mlflow, None if board is None else board.link()), tuple(servers)


def _start(running: ExitStack, name: str, page: Page, port: int | None) -> Server:
    server = Server(name, page, _port(port, name))
    running.callback(server.stop)
    return server


def _mlflow_link(ours: Server | None, tracking: str, study: str | None) -> str:
    """Return the address of the experiment of `study` in MLflow.

    It is on the server that we have started, `ours`, or at `tracking`.
    """
    if ours is not None:
        fragment = "" if study is None else experiment_page(ours.address, study, ours.token)
        return ours.link(fragment=fragment)
    fragment = "" if study is None else experiment_elsewhere(tracking, study)
    address = _without_user(masked(tracking))
    return f"{address.rstrip('/')}/{fragment}" if fragment else address


def _without_user(url: str) -> str:
    """Return a URL for a browser, which asks for user and password itself."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _environment() -> dict[str, str]:
    """Return the environment of all pages."""
    return {
        **{name: value for name, value in os.environ.items() if name not in _SERVER_OPTIONS},
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # three more processes, for language models only
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _port(port: int | None, name: str) -> int:
    """Return `port` if it is free, any free port for None."""
    with socket.socket() as probe:
        # else a port counts as taken for a while after the last `hpo ui` has ended
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port or 0))
        except (OSError, OverflowError) as error:
            raise StudyError(f"port {port} for {name} is not free; give another one, or none for any") from error
        return int(probe.getsockname()[1])


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended already
        os.killpg(process.pid, number)
