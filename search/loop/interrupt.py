"""Ctrl-C, `kill` and a lost terminal: once to stop cleanly, twice to stop at once."""

import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ...common.children import ENDING
from ..progress.broken_pipe import silence

STOPPING = "stopping at the next batch, the last whole epoch is kept; Ctrl-C again stops at once"


@contextmanager
def on_interrupt(first: Callable[[], None], answer: Callable[[], None]) -> Iterator[None]:
    """Call `first` at the first signal that asks this process to end, and `answer`, which tells it, in a thread.

    The next one raises KeyboardInterrupt, but for SIGHUP: both the system and the shell may tell of a lost terminal.
    What is then still to be printed goes nowhere. `nohup` is obeyed. Outside the main thread, where Python allows no
    handlers, nothing is changed.
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
    """Let the other signals end the block as Ctrl-C does, so that what it holds is closed."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(handle):
        yield


@contextmanager
def _handled(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within it `handle` gets the signals that ask for an end."""
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
    """Within it a thread calls `answer` at the first signal, whatever long step the main thread is in."""
    heard, noted = os.pipe()
    os.set_blocking(noted, False)

    def listen() -> None:
        while number := os.read(heard, 1):
            if number[0] in ENDING:
                answer()
                return

    thread = threading.Thread(target=listen, name="answer to Ctrl-C", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(noted, warn_on_full_buffer=False)  # Python writes a signal's number there at once
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(noted)
        thread.join()
        os.close(heard)


def _let_go_of_the_terminal() -> None:
    """Writing to a terminal that is gone is an error, which must not end what goes on."""
    for descriptor in (1, 2):
        if stat.S_ISCHR(os.fstat(descriptor).st_mode):
            silence(descriptor)
