"""Several server processes on one socket, restarted where one dies."""

import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnProcess
from types import FrameType

from ..common.children import held_back, spawn_context
from ..common.display import visible
from ..errors import ServeError
from .metrics import MANY
from .options import ServeOptions
from .server import MakeLog, bind, serve

_SOON_S = 10.0  # a worker that dies sooner would die again: to load a model and the libraries takes a few seconds

Say = Callable[[str], None]


def run(options: ServeOptions, make_log: MakeLog, say: Say) -> None:
    """Serve with as many processes as asked for, until a signal.

    Args:
        options: what is served.
        make_log: makes the log of predictions in each process.
        say: told where it is served, once it is.

    Raises:
        ServeError: the address cannot be had, or a model cannot be served.
        KeyboardInterrupt: it was ended by Ctrl-C.
    """
    with bind(options) as listener:
        if options.workers == 1:
            serve(options, listener, make_log, say)
            return
        with tempfile.TemporaryDirectory(prefix="hpo-serve-") as shared:
            os.environ[MANY] = shared
            _supervise(options, listener, make_log, say)


def _supervise(options: ServeOptions, listener: socket.socket, make_log: MakeLog, say: Say) -> None:
    context = spawn_context()

    def start(number: int) -> SpawnProcess:
        process = context.Process(target=_work, args=(options, listener, make_log, number), name=f"worker {number}")
        with held_back(signal.SIGTERM):
            process.start()  # it inherits the mask: a worker that died while it starts would reset who waits for it
        return process

    resource_tracker.ensure_running()  # else the first start does this, and with it lets SIGTERM through
    with _signals() as received:
        started = [time.monotonic()] * options.workers
        workers = [start(number) for number in range(options.workers)]
        try:
            while not received:
                time.sleep(0.1)
                for number, worker in enumerate(workers):
                    if worker.is_alive() or received:
                        continue
                    if time.monotonic() - started[number] < _SOON_S:
                        raise ServeError(f"worker {number} ended with code {worker.exitcode}, soon after its start")
                    say(f"worker {number} ended with code {worker.exitcode}; started again")
                    _forget_metrics(worker)
                    started[number], workers[number] = time.monotonic(), start(number)
        finally:
            listener.close()  # first: the last worker to stop accepting must be the last that could have
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.join()
    if signal.SIGINT in received:
        raise KeyboardInterrupt


def _work(options: ServeOptions, listener: socket.socket, make_log: MakeLog, number: int) -> None:
    """Run a worker process; the first one speaks for all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor passes on one signal
    serve(options, listener, make_log, _say if number == 0 else _hush)


def _say(text: str) -> None:
    print(visible(text), file=sys.stderr, flush=True)


def _hush(text: str) -> None:
    """Say nothing."""


def _forget_metrics(worker: SpawnProcess) -> None:
    """Drop a dead worker's gauges; its counters still count."""
    from prometheus_client.multiprocess import mark_process_dead

    if worker.pid is not None:
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect the signals that ask for an end, as they come."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
