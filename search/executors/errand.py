"""Work in a thread that nobody waits for."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def in_thread(work: Callable[[], T], name: str) -> Future[T]:
    """Do `work` in a thread called `name`, which holds up no process that ends."""
    # a pool's threads would: Python waits for them, and a store that does not answer may take minutes
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # raised again where the result is asked for
            future.set_exception(error)

    Thread(target=run, name=name, daemon=True).start()
    return future
