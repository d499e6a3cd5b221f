"""Handling of Ctrl-C, `kill` and a lost terminal.

The first signal stops a run cleanly, the second at once.
"""

import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ...common.children import ENDING
from ..progress.broken_pipe import silence

STOPPING = "stopping at the next batch, what is done is kept; Ctrl-C again stops at once"


@contextmanager
def on_interrupt(first: Callable[[], None], answer: Callable[[], None]) -> Iterator[None]:
    """Call `first` at the first signal that asks this process to end.

    `answer`, which tells the user so, is called in a thread. The next signal raises KeyboardInterrupt, but for SIGHUP:
    both the system and the shell may tell of a lost terminal. What is then still to be printed goes nowhere. `nohup` is
    obeyed. Outside the main thread, where Python allows no handlers, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        if number == signal.SIGHUP:
            _let_go_of_the_terminal()
        if not seen:
            seen = True
            first()
        elif number != signal.SIGHUP:
            raise KeyboardInterrupt

    with _handled(handle), _answered(answer):
        yield


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Let the other signals end the block as Ctrl-C does.

    The default of SIGTERM ends a process without leaving its context managers, so that workers would stay behind.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(handle):
        yield


@contextmanager
def _handled(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within the block, `handle` gets the signals that ask for an end."""
    before = {number: signal.getsignal(number) for number in ENDING}
    ignored = [number for number in (signal.SIGHUP,) if before[number] is signal.SIG_IGN]  # by nohup
    for number in before.keys() - ignored:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _answered(answer: Callable[[], None]) -> Iterator[None]:
    """Within the block, a thread calls `answer` at the first signal.

    Python runs handlers in the main thread alone, between two of its own instructions; that one may be in a long call.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # as set_wakeup_fd asks for: a full pipe must not block a signal

    def listen() -> None:
        while number := os.read(reading, 1):
            if number[0] in ENDING:
                answer()
                return

    thread = threading.Thread(target=listen, name="answer to Ctrl-C", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)  # Python writes a signal's number there at once
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)  # the thread reads an end of file, and ends
        thread.join()
        os.close(reading)


def _let_go_of_the_terminal() -> None:
    """Send standard output and error nowhere, where they are a terminal."""
    # writing to a terminal that is gone is an error, which must not end what goes on
    for descriptor in (1, 2):
        if stat.S_ISCHR(os.fstat(descriptor).st_mode):
            silence(descriptor)
