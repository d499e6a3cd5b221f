"""Output whose reader has seen enough, as in `hpo run ... | head`."""

import os
from typing import TextIO


def print_lasting(line: str, stream: TextIO) -> None:
    """Print `line` at once; where nobody reads `stream` any more, the work behind it goes on, and ends as ever."""
    try:
        print(line, file=stream, flush=True)
    except BrokenPipeError:
        silence(stream.fileno())


def silence(descriptor: int) -> None:
    """Let what is written to `descriptor`, that of standard output or error, go nowhere from here on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
