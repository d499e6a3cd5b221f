"""A process that has imported all of hpo and forks for each command; a script, run by `start.py`.

    python server.py DESCRIPTOR USAGE BORN

A command that is forked is a process as any other: its own pid, process group or session, working directory,
environment, files, signal handlers, random state and exit code, and it runs the script, the module or the code of its
arguments from the first line. What it saves is the two to five seconds in which torch, MLflow and SciPy are imported,
those of a first export, and what `shortcuts.py` tells; its children (workers, the preflight) save them, too. What only
a cold start shows (a missing import, the command line's own start) is for the tests that start `hpo` cold, and who must
be its child's parent sets COLD_CHILDREN.
"""

import atexit
import contextlib
import fcntl
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import tempfile
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cheap_forks import make_forks_cheap  # beside this script, as the next
from client import ALONE, COLD_CHILDREN, MOST_FILES, WARM_SUBPROCESS, Command
from environment import Environment
from interpret import interpret
from shortcuts import keep_migrations, quicken_exports, rehearse_export

ROOMS = ("common", "search", "spaces", "studies", "training")
LIBRARIES = (  # what functions of hpo import when they need it; not ONNX Runtime, which starts a thread
    "matplotlib.backends.backend_agg",
    "matplotlib.pyplot",
    "mlflow",
    "mlflow.assistant.providers",
    "mlflow.onnx",
    "mlflow.pyfunc",
    "mlflow.server.handlers",
    "mlflow.server.otel_api",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "onnx",
    "onnxscript",
    "optuna",
    "optuna_dashboard",
    "rich.live",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.datasets",
    "tensorboard.default",
    "tensorboard.program",
    "torch.export",
    "torch.onnx",
    "torchvision",
    "uvicorn",
)
WORKER = "hpo.search.executors.worker"
"""The module whose process asks the kernel to end it with its parent, which here is this server."""


def preload() -> None:
    """Import every module of hpo, and what these import as they run; do what is slow for the first time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for room in ROOMS:
            package = importlib.import_module(f"hpo.{room}")
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                importlib.import_module(module.name)
        for name in LIBRARIES:
            importlib.import_module(name)
        keep_migrations()
        quicken_exports()
        rehearse_export()


@dataclass(frozen=True)
class Child:
    """A command that runs.

    Its pid, a file that tells its end, the connection to whoever asked for it, and the worker of pytest-xdist that did.
    """

    pid: int
    end: int
    connection: socket.socket
    is_worker: bool
    asker: str

    def gone(self, usage: Path) -> None:
        """Say how it ended, and note the CPU seconds that it took."""
        _, status, used = os.wait4(self.pid, 0)
        with usage.open("a") as file:
            file.write(f"{self.asker} {used.ru_utime + used.ru_stime:.3f}\n")
        with contextlib.suppress(OSError):  # nobody may be waiting any longer
            self.connection.sendall(f"{status}\n".encode())
        self.close()

    def close(self) -> None:
        """Let go of its files."""
        self.connection.close()
        os.close(self.end)


def serve(listener: socket.socket, environment: Environment, usage: Path, born: Path) -> list[str]:
    """Fork for each request; returns in the fork that is the command: its arguments.

    Each fork is noted in `born` before whoever asked for it knows of it.
    """
    children: dict[int, Child] = {}
    orphans: set[Child] = set()
    while True:
        watched = [child.connection for child in children.values() if child not in orphans]
        ready = select.select([listener, sys.stdin, *children, *watched], [], [])[0]
        if sys.stdin in ready:  # the tests that may ask hold the other end of it
            os._exit(0)
        for end in children.keys() & {*ready}:
            children.pop(end).gone(usage)
        for child in children.values():
            if child.connection in ready:  # its parent has ended; a worker has asked the kernel to end with it
                orphans.add(child)
                if child.is_worker:
                    os.kill(child.pid, signal.SIGKILL)
        if listener in ready:
            try:
                connection, request, files = _receive(listener)
            except ConnectionError:
                continue
            suits = environment.suits(request["environment"], request["files"]) and _can_join(request["group"])
            pid = os.fork() if suits else 0
            if suits and not pid:
                for child in children.values():
                    child.close()
                listener.close()
                connection.close()
                _become(request, files, environment)
                return list(request["arguments"])
            for file in files:
                os.close(file)
            if pid:
                with born.open("a") as file:
                    file.write(json.dumps([request["parent"], pid, request["arguments"]]) + "\n")
            with contextlib.suppress(OSError):  # nobody may be waiting any longer
                connection.sendall(f"{pid}\n".encode())
            if pid:
                asker = request["environment"].get("PYTEST_XDIST_WORKER", ALONE)
                child = Child(pid, _high(os.pidfd_open(pid)), connection, WORKER in request["arguments"], asker)
                children[child.end] = child


def _can_join(group: int) -> bool:
    """Whether a fork can be of a process group, 0 for one of its own: those of other sessions take nobody in."""
    try:
        return not group or os.getsid(group) == os.getsid(0)
    except ProcessLookupError:  # its leader has ended
        return False


def _high(file: int) -> int:
    """The same file under a number that no command asks for."""
    copy = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 512)
    os.close(file)
    return copy


def _receive(listener: socket.socket) -> tuple[socket.socket, dict[str, Any], list[int]]:
    """One request: a line of JSON, and beside its first bytes the three standard streams and further files.

    Raises:
        ConnectionError: whoever asked has ended meanwhile.
    """
    accepted, _ = listener.accept()
    connection = socket.socket(fileno=_high(accepted.detach()))
    data, files, _, _ = socket.recv_fds(connection, 1 << 16, 3 + MOST_FILES)
    while not data.endswith(b"\n"):
        if not (more := connection.recv(1 << 16)):
            raise ConnectionResetError("the request is not whole")
        data += more
    return connection, json.loads(data), [_high(file) for file in files]


def _become(request: dict[str, Any], files: list[int], environment: Environment) -> None:
    """Turn this fork into the process that was asked for."""
    for number, file in zip([0, 1, 2, *request["files"]], files, strict=True):
        os.dup2(file, number)
        os.close(file)
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())
    if request["group"]:
        os.setpgid(0, request["group"])
    else:
        os.setsid()
    os.chdir(request["directory"])
    os.umask(request["umask"])
    environment.become(request["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, request["blocked"])
    sys.modules["numpy"].random.seed()  # as Python's own is after a fork
    tempfile.tempdir = None


def _check_threads() -> None:
    """Refuse to serve where an import has started threads: a fork has none of them, and may wait for what they hold."""
    for thread in Path("/proc/self/task").glob("*/comm"):
        name = thread.read_text().strip()
        if thread.parent.name != str(os.getpid()) and name != "jemalloc_bg_thd":  # of pyarrow; it survives a fork
            raise RuntimeError(f"an import has started the thread {name}, which no fork would have")


def main(listener: socket.socket, usage: Path, born: Path) -> list[str]:
    """Import once there is something to do, then serve; returns in each command: its arguments."""
    environment = Environment()
    if sys.stdin in select.select([listener, sys.stdin], [], [])[0]:  # no test has asked for anything
        os._exit(0)
    address = listener.getsockname()
    preload()
    environment.imported()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, whose end is this process' end
    make_forks_cheap()
    _check_threads()
    arguments = serve(listener, environment, usage, born)
    if COLD_CHILDREN not in os.environ:
        Command.address = address
        sys.modules["hpo.common.children"].__dict__["subprocess"] = WARM_SUBPROCESS
    return arguments


def run(arguments: list[str]) -> None:
    """Run the command of these arguments in this process, which ends with it.

    Python ends as ever (threads, `atexit`, streams) but for taking all modules apart, which would copy the server.
    """
    code, interrupted = 0, False
    try:
        interpret(*arguments)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        code = end.code or 0
    except KeyboardInterrupt:
        sys.excepthook(*sys.exc_info())
        interrupted = True
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    if interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(code & 0xFF)


if __name__ == "__main__":
    run(main(socket.socket(fileno=_high(int(sys.argv[1]))), Path(sys.argv[2]), Path(sys.argv[3])))
