"""Ctrl-C once, twice, in another thread; the handlers of whoever called are put back."""

import os
import signal
import threading

import pytest
from hpo.search.interrupt import on_interrupt, terminate_as_interrupt

BOTH = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", BOTH)
def test_the_first_signal_calls_and_the_second_raises(number: signal.Signals) -> None:
    calls: list[int] = []
    with on_interrupt(lambda: calls.append(1)):
        os.kill(os.getpid(), number)
        assert calls == [1]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert calls == [1]


def test_ctrl_c_then_terminate_is_twice() -> None:
    with on_interrupt(lambda: None):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_the_former_handlers_are_put_back_however_it_ends() -> None:
    before = [signal.getsignal(number) for number in BOTH]
    with on_interrupt(lambda: None):
        assert [signal.getsignal(number) for number in BOTH] != before
    assert [signal.getsignal(number) for number in BOTH] == before
    with pytest.raises(ZeroDivisionError), on_interrupt(lambda: None):
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in BOTH] == before


def test_in_another_thread_nothing_is_changed() -> None:
    """Python allows handlers in the main thread only; a notebook may run a search in another."""
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with on_interrupt(lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_terminate_ends_a_block_as_ctrl_c_does() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with terminate_as_interrupt(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
