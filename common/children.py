"""How every Python process of the project is started: nothing is imported from the working directory.

A folder that somebody works in may hold a `copy/` or a `pandas/` from anywhere. PYTHONSAFEPATH keeps it out of the path
of a child, and of what that child starts in turn, which `-P` would not.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a program to end: Ctrl-C, `kill`, `systemctl stop` or `scancel`, and the end of its terminal."""

_SAFE_PATH = "PYTHONSAFEPATH"


def start_python(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None, **options: Any
) -> "subprocess.Popen[Any]":
    """Start `python -m module`, which finds modules where this process does, but for the working directory.

    Args:
        module: full name of the module that is run.
        arguments: its command line, which everybody on the machine can read: no secrets.
        environment: all variables of the child; None: those of this process.
        options: of `subprocess.Popen`.
    """
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    variables = {**(os.environ if environment is None else environment), "PYTHONPATH": path, _SAFE_PATH: "1"}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], env=variables, **options)


def spawn_context() -> SpawnContext:
    """The same for processes of `multiprocessing`, and its resource tracker."""
    os.environ[_SAFE_PATH] = "1"
    return multiprocessing.get_context("spawn")


@contextmanager
def held_back(*signals: signal.Signals) -> Iterator[None]:
    """Hold `signals` back, here and in a process that is started meanwhile; there until it lets them through itself."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
