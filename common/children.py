"""The start of every Python child process, safe from the working directory.

A folder that somebody works in may hold a `copy/` or a `pandas/` from anywhere. PYTHONSAFEPATH keeps it out of the path
of a child, and of what that child starts in turn, which `-P` would not.
"""

import ctypes
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
    """Start `python -m module` with this process' import path.

    The working directory is not on it.

    Args:
        module: full name of the module that is run.
        arguments: its command line, which everybody on the machine can read: no secrets.
        environment: all variables of the child; None: those of this process.
        options: of `subprocess.Popen`.
    """
    # `if entry`: the empty one stands for the working directory
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    variables = {**(os.environ if environment is None else environment), "PYTHONPATH": path, _SAFE_PATH: "1"}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], env=variables, **options)


def spawn_context() -> SpawnContext:
    """Return the `multiprocessing` context whose children import as safely.

    Its resource tracker does, too.
    """
    os.environ[_SAFE_PATH] = "1"  # inherited: multiprocessing starts its children and its tracker itself
    return multiprocessing.get_context("spawn")


def die_with_parent() -> None:
    """Have the kernel end this process when the one that started it dies (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def ignore_ending() -> None:
    """Ignore the signals that ask a program to end.

    Sent to all processes of a service or a job, they reach the coordinator, too, which ends its children itself. Until
    here they are `held_back`.
    """
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


@contextmanager
def held_back(*signals: signal.Signals) -> Iterator[None]:
    """Block `signals` here and in processes started meanwhile.

    A child keeps them blocked until it lets them through itself.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
