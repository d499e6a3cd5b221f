"""The server of one page of `hpo ui`, behind its guard.

`python -m hpo.studies.pages.server` is a process of its own for each page. Its request comes as JSON on standard input:
a command line, where a URL may hold a password, can be read by everyone.
"""

import json
import os
import signal
import sys
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from .guard import PageGuard

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class DashboardPage:
    """optuna-dashboard on the store at `storage_url`.

    `attachments` is the folder of the files tied to trials.
    """

    storage_url: str
    attachments: str

    def serve(self, port: int, guard: PageGuard) -> None:
        """Serve until a signal ends the process."""
        import optuna_dashboard
        from optuna.artifacts import FileSystemArtifactStore

        # threads: a page of the dashboard asks for several things at once, and may keep connections open
        app = optuna_dashboard.wsgi(self.storage_url, FileSystemArtifactStore(self.attachments))
        make_server(HOST, port, guard.wsgi(app), _ThreadingServer, _QuietHandler).serve_forever()


@dataclass(frozen=True, slots=True)
class MlflowPage:
    """The MLflow UI on a tracking store and a registry.

    `artifacts` is the folder that it serves. All are URIs.
    """

    tracking: str
    registry: str
    artifacts: str

    def serve(self, port: int, guard: PageGuard) -> None:
        """Serve until a signal ends the process.

        This is what `mlflow server` does, but in one process, which the guard wraps.
        """
        import uvicorn
        from mlflow.server import constants
        from mlflow.server.handlers import initialize_backend_stores
        from mlflow.utils.server_cli_utils import resolve_default_artifact_root

        root = resolve_default_artifact_root(True, "", self.tracking)
        os.environ |= {
            constants.BACKEND_STORE_URI_ENV_VAR: self.tracking,
            constants.REGISTRY_STORE_URI_ENV_VAR: self.registry,
            constants.ARTIFACT_ROOT_ENV_VAR: root,
            constants.ARTIFACTS_DESTINATION_ENV_VAR: self.artifacts,
            constants.SERVE_ARTIFACTS_ENV_VAR: "true",
        }
        initialize_backend_stores(self.tracking, self.registry, root)
        from mlflow.server.fastapi_app import app  # reads the variables as it is imported

        uvicorn.run(guard.asgi(app), host=HOST, port=port, log_level="warning", access_log=False)


@dataclass(frozen=True, slots=True)
class TensorboardPage:
    """TensorBoard on the event files below `folder`."""

    folder: str

    def serve(self, port: int, guard: PageGuard) -> None:
        """Serve until a signal ends the process."""
        from tensorboard import default, program

        def behind_guard(app: Any, flags: Any) -> WSGIServer:
            return make_server(HOST, port, guard.wsgi(app), _ThreadingServer, _QuietHandler)

        board = program.TensorBoard(default.get_plugins(), server_class=behind_guard)
        # note: the fast loader is a process of its own, on a port that answers every user of the machine
        board.configure(logdir=self.folder, load_fast="false")
        board.launch()  # in a thread
        signal.pause()


Page = DashboardPage | MlflowPage | TensorboardPage
PAGES = {page.__name__: page for page in (DashboardPage, MlflowPage, TensorboardPage)}


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # an open connection does not keep the process from ending

    def get_url(self) -> str:
        """Return the address, which TensorBoard asks its server for."""
        return f"http://{HOST}:{self.server_port}/"


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing.

        The log is shown where a page fails, and the address of a request may hold the token.
        """


def main() -> None:
    """Serve the page that standard input describes.

    The request has its kind, settings, port and token.
    """
    request = json.load(sys.stdin)
    PAGES[request["page"]](**request["settings"]).serve(request["port"], PageGuard(request["token"]))


if __name__ == "__main__":
    main()
