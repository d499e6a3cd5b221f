"""A process that has imported all of hpo and forks for each command; a script, run by `start.py`.

    python server.py DESCRIPTOR USAGE

A command that is forked is a process as any other: its own pid, process group or session, working directory,
environment, standard streams, signal handlers, random state and exit code, and it runs the console script from its
first line. What it saves is the two to five seconds in which torch, MLflow and SciPy are imported. What only a cold
start shows (a missing import, the command line's own start) is for the tests that start `hpo` cold.
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

ROOMS = ("common", "search", "spaces", "studies", "training")
LIBRARIES = (  # what functions of hpo import when they need it; not ONNX Runtime, which starts a thread
    "matplotlib.backends.backend_agg",
    "matplotlib.pyplot",
    "mlflow",
    "mlflow.onnx",
    "mlflow.pyfunc",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "onnx",
    "onnxscript",
    "optuna",
    "rich.live",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.datasets",
    "torch.export",
    "torch.onnx",
    "torchvision",
)
AT_LOAD = ("OMP_", "MKL_", "KMP_", "OPENBLAS_", "LD_", "MALLOC_", "PYTHON", "COVERAGE", "LC_", "LANG", "TORCH", "CUDA_")
"""Variables that a process reads once, as it starts or as a library is loaded."""


class Environment:
    """Which variables a command must share with the server, and what the imports set by themselves."""

    def __init__(self) -> None:
        self._before = dict(os.environ)

    def imported(self) -> None:
        """Note what the imports have changed."""
        self._set = {name: value for name, value in os.environ.items() if self._before.get(name) != value}

    def suits(self, wanted: dict[str, str]) -> bool:
        """Whether libraries that are loaded under `wanted` would be as they are here."""
        names = [name for name in {*wanted, *self._before} if name.startswith(AT_LOAD)]
        return all(wanted.get(name) in (self._before.get(name), self._set.get(name)) for name in names)

    def become(self, wanted: dict[str, str]) -> None:
        """Have `wanted` as the environment, and what the imports add to it."""
        os.environ.clear()
        os.environ.update(self._set | wanted)


def preload() -> None:
    """Import every module of hpo, and what these import as they run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for room in ROOMS:
            package = importlib.import_module(f"hpo.{room}")
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                importlib.import_module(module.name)
        for name in LIBRARIES:
            importlib.import_module(name)


def serve(listener: socket.socket, environment: Environment, usage: Path) -> str:
    """Fork for each request; returns in the fork that is the command, with the script that it runs."""
    while _asked(listener):
        connection, _ = listener.accept()
        _reap()
        if os.fork() == 0:
            listener.close()
            return _oversee(connection, environment, usage)
        connection.close()
    os._exit(0)


def _asked(listener: socket.socket) -> bool:
    """Wait for a request; whether the tests that may ask are still there: they hold the other end of standard input."""
    return sys.stdin not in select.select([listener, sys.stdin], [], [])[0]


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _oversee(connection: socket.socket, environment: Environment, usage: Path) -> str:
    """Fork the command, say its pid and how it ended; returns in the command alone."""
    request, streams = _receive(connection)
    if not environment.suits(request["environment"]):
        connection.sendall(b"0\n")
        os._exit(0)
    pid = os.fork()
    if pid == 0:
        connection.close()
        return _become(request, streams, environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in streams:
        os.close(stream)
    with contextlib.suppress(OSError):  # nobody may be waiting any longer
        connection.sendall(f"{pid}\n".encode())
    _, status, used = os.wait4(pid, 0)
    with usage.open("a") as file:
        file.write(f"{used.ru_utime + used.ru_stime:.3f}\n")
    with contextlib.suppress(OSError):
        connection.sendall(f"{status}\n".encode())
    os._exit(0)


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """One request: a line of JSON, and the three standard streams beside its first bytes."""
    data, streams, _, _ = socket.recv_fds(connection, 1 << 16, 3)
    while not data.endswith(b"\n"):
        data += connection.recv(1 << 16)
    return json.loads(data), streams


def _become(request: dict[str, Any], streams: list[int], environment: Environment) -> str:
    """Turn this fork into the process that was asked for; the script that it is to run."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
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
    sys.modules["numpy"].random.seed()  # as Python's own is after a fork
    tempfile.tempdir = None
    sys.argv = request["arguments"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    return sys.argv[0]


def _check_threads() -> None:
    """Refuse to serve where an import has started threads: a fork has none of them, and may wait for what they hold."""
    for thread in Path("/proc/self/task").glob("*/comm"):
        name = thread.read_text().strip()
        if thread.parent.name != str(os.getpid()) and name != "jemalloc_bg_thd":  # of pyarrow; it survives a fork
            raise RuntimeError(f"an import has started the thread {name}, which no fork would have")


def main(listener: socket.socket, usage: Path) -> str:
    """Import once there is something to do, then serve; returns in each command, with the script that it is to run."""
    environment = Environment()
    if not _asked(listener):
        os._exit(0)
    preload()
    environment.imported()
    gc.collect()
    gc.freeze()  # or a command that collects would copy every page of the server
    _check_threads()
    return serve(listener, environment, usage)


def run(script: str) -> None:
    """Run a Python script as the command of this process, which ends with it.

    Python ends as ever (threads, `atexit`, streams) but for taking all modules apart, which would copy the server.
    """
    code, interrupted = 0, False
    try:
        runpy.run_path(script, run_name="__main__")
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
    run(main(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])))
