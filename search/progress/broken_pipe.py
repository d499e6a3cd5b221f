"""Output into a pipe whose reader may end, such as `head`."""

import os
from typing import TextIO


def print_lasting(line: str, stream: TextIO) -> None:
    """Print `line`, or silence a `stream` that nobody reads any more.

    The work behind it goes on, and ends as ever.
    """
    try:
        print(line, file=stream, flush=True)  # a log file must show it before the next trial ends, hours later
    except BrokenPipeError:
        silence(stream.fileno())


def silence(descriptor: int) -> None:
    """Send what is written to standard output or error `descriptor` nowhere.

    The descriptor itself is replaced, so that libraries and Python's last flush at exit are silent, too.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
