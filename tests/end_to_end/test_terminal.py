"""`hpo run` on a terminal, as a person has it: Ctrl-C is answered, leaves no mark, and the terminal is as it was."""

import os
import pty
import re
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .conftest import HPO, Shell

CTRL_C = b"\x03"
ECHOED = b"^C"


@contextmanager
def on_a_terminal(shell: Shell, *arguments: str) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """The command and the other end of its terminal, which it controls."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [HPO, *arguments], cwd=shell.directory, env={**shell.environment, "TERM": "xterm", "COLUMNS": "80"},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=_take_terminal,
    )  # fmt: skip
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def _take_terminal() -> None:
    os.close(os.open(os.ttyname(0), os.O_RDWR))  # the first terminal that a session opens is its own


def read_until(terminal: int, pattern: bytes) -> bytes:
    """What is on the terminal up to where `pattern` is."""
    seen = b""
    while not re.search(pattern, seen):
        seen += os.read(terminal, 1 << 16)
    return seen


@pytest.mark.slow
def test_ctrl_c_is_answered_and_leaves_no_mark(shell: Shell) -> None:
    command = shell.search_command("--workers", "1", trials=2, epochs=500)
    with on_a_terminal(shell, *command) as (process, terminal):
        before = termios.tcgetattr(terminal)
        seen = read_until(terminal, rb"importing torch")
        seen += read_until(terminal, rb" [2-9]/500 ")
        assert not termios.tcgetattr(terminal)[3] & termios.ECHOCTL
        os.write(terminal, CTRL_C)
        answer = read_until(terminal, rb"stopping: ")
        answer += read_until(terminal, rb"same command again to go on")
        assert process.wait(60) == 130
        assert ECHOED not in seen + answer
        assert termios.tcgetattr(terminal) == before
    with on_a_terminal(shell, *command) as (process, terminal):
        read_until(terminal, rb"trial 0 goes on after")
        assert b" 0/500 " not in read_until(terminal, rb" [1-9]\d*/500 .*importing torch")
