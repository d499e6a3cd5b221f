"""Commands that the warm `server.py` forks, started as `subprocess.Popen` starts others; standard library alone.

As a script it is `hpo` for a shell: a process that starts the command, waits for it, and ends as it ended.
"""

import inspect
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ADDRESS = "HPO_TEST_SERVER"
"""The variable with the path of the server's socket; where it is not set, every command starts cold."""

COLD_CHILDREN = "TESTS_COLD_CHILDREN"
"""The variable with which a command starts its children as it would without a server, and is their parent."""

ALONE = "alone"
"""Who asks for a command where pytest-xdist has no workers."""

MOST_FILES = 16
"""How many files beside its standard streams a command may be given."""

_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


class Command(subprocess.Popen[Any]):
    """A process of `Popen`'s arguments, forked by the server; `args` are those of Python: a script, `-m` or `-c` first.

    It starts cold, as `Popen` would have it, where there is no server, and where the server has loaded its libraries
    under other settings than it asks for. `preexec_fn` is for a cold start: a fork handles each signal by default.
    """

    address: str | None = None
    """The server's socket in a process that a server has forked; elsewhere the environment has it."""

    def _execute_child(self, *arguments: Any) -> None:
        given = inspect.signature(subprocess.Popen._execute_child).bind(self, *arguments).arguments
        self._connection = self._ask(given)
        if self._connection is None:
            args, *others = arguments
            super()._execute_child([sys.executable, *args], *others)
        else:
            self._child_created = True
            self._close_pipe_fds(*(given[name] for name in _PIPES))

    def _ask(self, given: dict[str, Any]) -> socket.socket | None:
        """Have the server start it; None where it is to start cold."""
        variables = dict(os.environ if given["env"] is None else given["env"])
        address = variables.pop(ADDRESS, os.environ.get(ADDRESS, self.address))
        if address is None:
            return None
        request = {
            "arguments": [os.fspath(word) for word in given["args"]],
            "directory": os.fspath(Path.cwd() / (given["cwd"] or ".")),
            "environment": variables,
            "umask": _umask(),
            "group": 0 if given["start_new_session"] else os.getpgrp(),
            "files": list(given["pass_fds"]),
            "blocked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
            "parent": os.getpid(),
        }
        own = [given["p2cread"], given["c2pwrite"], given["errwrite"]]
        streams = [number if file == -1 else file for number, file in enumerate(own)]
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address)
        socket.send_fds(connection, [b" "], [*streams, *given["pass_fds"]])
        connection.sendall(json.dumps(request).encode() + b"\n")
        self.pid = _answer(connection)
        if self.pid:
            return connection
        connection.close()
        return None

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        """As `os.waitpid`, which is for the parent of a process: the server says how the command ended."""
        if self._connection is None:
            return super()._try_wait(wait_flags)
        if wait_flags & os.WNOHANG and not select.select([self._connection], [], [], 0)[0]:
            return 0, 0
        status = _answer(self._connection)
        self._connection.close()
        return self.pid, status

    def _internal_poll(self, *arguments: Any, **options: Any) -> int | None:
        if self._connection is None:
            return super()._internal_poll(*arguments, **options)
        if self._waitpid_lock.acquire(blocking=False):  # or whoever holds it waits, and a signal handler must not
            try:
                if self.returncode is None:
                    pid, status = self._try_wait(os.WNOHANG)
                    if pid:
                        self._handle_exitstatus(status)
            finally:
                self._waitpid_lock.release()
        return self.returncode


def run(command: Sequence[str | os.PathLike[str]], **options: Any) -> "subprocess.CompletedProcess[str]":
    """As `subprocess.run` with both streams captured; whoever calls looks at the exit code."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Command(command, text=True, **pipes, **options) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


ALWAYS_COLD = ("hpo.serving.tryout",)
"""Modules that limit the memory of their process."""


def _warm_popen(command: Sequence[str], **options: Any) -> "subprocess.Popen[Any]":
    _, *arguments = command  # the interpreter
    return subprocess.Popen(command, **options) if arguments[1] in ALWAYS_COLD else Command(arguments, **options)


WARM_SUBPROCESS = SimpleNamespace(Popen=_warm_popen)
"""What stands for `subprocess` in hpo.common.children, so that what `start_python` starts is warm."""


def _answer(connection: socket.socket) -> int:
    """The next number that the server says: a pid, 0 for a cold start, then a status as `os.waitpid` gives it."""
    line = b""
    while not line.endswith(b"\n"):
        if not (byte := connection.recv(1)):
            raise RuntimeError("the warm server has ended")
        line += byte
    return int(line)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def main(script: str, *arguments: str) -> None:
    """Run the command on the streams of this process, pass on what asks it to end, and end as it ends."""
    leads = os.getsid(0) == os.getpid()  # then it leads one of its own: no process of the server can join this
    command = Command([script, *arguments], start_new_session=leads)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda sent, _: command.send_signal(sent))
    code = command.wait()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
