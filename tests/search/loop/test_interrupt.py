"""Ctrl-C once, twice, in another thread, a lost terminal; the handlers of whoever called are put back."""

import hashlib
import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hpo.common.children import ENDING
from hpo.search.loop.interrupt import on_interrupt, terminate_as_interrupt

BOTH = [signal.SIGINT, signal.SIGTERM]
LOST = """
import sys, time
from pathlib import Path
from hpo.search.loop.interrupt import on_interrupt
ended = []
with on_interrupt(lambda: ended.append(1), lambda: print("stopping", file=sys.stderr, flush=True)):
    print("begun", flush=True)
    while not ended:
        time.sleep(0.01)
    time.sleep(0.1)
print("nobody reads this", flush=True)
Path(sys.argv[1]).write_text("ended cleanly")
"""


def nothing() -> None:
    """Done by the program at a signal."""


@pytest.mark.parametrize("number", BOTH)
def test_the_first_signal_calls_and_the_second_raises(number: signal.Signals) -> None:
    calls: list[int] = []
    with on_interrupt(lambda: calls.append(1), nothing):
        os.kill(os.getpid(), number)
        assert calls == [1]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert calls == [1]


def test_ctrl_c_then_terminate_is_twice() -> None:
    with on_interrupt(nothing, nothing):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_it_is_answered_at_once_whatever_long_step_the_program_is_in() -> None:
    told: list[str] = []
    sender = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    with on_interrupt(lambda: told.append("stop"), lambda: told.append("answer")):
        sender.start()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 1_500_000)  # Python runs no handler within it
        told.append("step")
    sender.join()
    assert told[0] == "answer"
    assert sorted(told) == ["answer", "step", "stop"]


def test_without_a_signal_there_is_no_answer() -> None:
    told: list[str] = []
    before = threading.active_count()
    with on_interrupt(nothing, lambda: told.append("answer")):
        assert threading.active_count() == before + 1
    assert (told, threading.active_count()) == ([], before)


def test_a_lost_terminal_ends_it_cleanly_though_the_shell_tells_it_too(tmp_path: Path) -> None:
    terminal, theirs = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-c", LOST, str(tmp_path / "told")],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env={**os.environ, "PYTHONPATH": path()},
    )  # fmt: skip
    os.close(theirs)
    read = b""
    while not read.endswith(b"\n"):  # all of it: what it still wrote into a lost terminal would be its end
        read += os.read(terminal, 64)
    os.close(terminal)
    program.send_signal(signal.SIGHUP)
    program.send_signal(signal.SIGHUP)
    assert program.wait(30) == 0
    assert (tmp_path / "told").read_text() == "ended cleanly"


def path() -> str:
    return os.pathsep.join(filter(None, sys.path))


def test_nohup_is_obeyed() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with on_interrupt(nothing, nothing):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_former_handlers_are_put_back_however_it_ends() -> None:
    before = [signal.getsignal(number) for number in ENDING]
    with on_interrupt(nothing, nothing):
        assert [signal.getsignal(number) for number in ENDING] != before
    assert [signal.getsignal(number) for number in ENDING] == before
    with pytest.raises(ZeroDivisionError), on_interrupt(nothing, nothing):
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in ENDING] == before


def test_in_another_thread_nothing_is_changed() -> None:
    """Python allows handlers in the main thread only; a notebook may run a search in another."""
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with on_interrupt(nothing, nothing):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_a_block_as_ctrl_c_does(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with terminate_as_interrupt(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before
