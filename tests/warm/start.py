"""The server of warm commands, for as long as a session of tests needs it."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from .client import ADDRESS, ALONE

HPO = str(Path(sys.executable).with_name("hpo"))
"""The console script of the environment that the tests run in."""

HERE = Path(__file__).parent


@contextmanager
def warm_server() -> Iterator[Path]:
    """A folder with `hpo` and `python` for shells; meanwhile `Command` starts warm.

    The server imports when it is first asked.
    """
    folder = Path(tempfile.mkdtemp(prefix="hpo-warm-"))  # not pytest's: the path of a socket has at most 107 bytes
    address = folder / "socket"
    for name, script in (("hpo", [HPO]), ("python", [])):
        start = shlex.join([sys.executable, "-IS", str(HERE / "client.py"), *script])
        (folder / name).write_text(f'#!/bin/sh\n{ADDRESS}={shlex.quote(str(address))} exec {start} "$@"\n')
        (folder / name).chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen(64)
        files = [str(usage_file(address)), str(born_file(address))]
        command = [sys.executable, str(HERE / "server.py"), str(listener.fileno()), *files]
        server = subprocess.Popen(command, pass_fds=[listener.fileno()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    os.environ[ADDRESS] = str(address)
    try:
        yield folder
    finally:
        del os.environ[ADDRESS]
        server.kill()
        server.communicate()
        shutil.rmtree(folder)


def usage_file(address: Path) -> Path:
    """Where the server notes each command that has ended, a line each: who asked for it, and its CPU seconds."""
    return address.with_name("usage")


def born_file(address: Path) -> Path:
    """Where the server notes each command as it starts, a line each: the pid of its parent, its own, its arguments."""
    return address.with_name("born")


def warm_children_of(pid: int) -> dict[int, list[str]]:
    """The arguments of every warm command that process `pid` has started, by its pid; some may have ended."""
    if not (address := os.environ.get(ADDRESS)):
        return {}
    file = born_file(Path(address))
    lines = map(json.loads, file.read_text().splitlines()) if file.exists() else ()
    return {child: arguments for parent, child, arguments in lines if parent == pid}


def children_of(pid: int, module: str) -> list[psutil.Process]:
    """The children of process `pid` that run `module` and live: warm ones are forks of the server."""
    warm = [child for child, arguments in warm_children_of(pid).items() if module in arguments]
    cold = [child.pid for child in psutil.Process(pid).children() if module in _command_of(child)]
    return [psutil.Process(child) for child in (*warm, *cold) if psutil.pid_exists(child)]


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a child that has just ended
        return []


def warm_seconds() -> float:
    """The CPU seconds of warm commands that have ended; of pytest-xdist's workers, each counts its own."""
    if not (address := os.environ.get(ADDRESS)):
        return 0.0
    file = usage_file(Path(address))
    ended = map(str.split, file.read_text().splitlines()) if file.exists() else ()
    asker = os.environ.get("PYTEST_XDIST_WORKER", ALONE)
    return sum(float(seconds) for name, seconds in ended if name == asker)
