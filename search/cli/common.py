"""Shared by every command: how it ends, and how it prints."""

import functools
import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ...common.display import json_text, message, visible
from ..progress.broken_pipe import print_lasting
from .flags import with_flags

INTERRUPTED = 130  # 128 + SIGINT, as shells count
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function of options, see `with_flags`.

    Ctrl-C ends it with 130, where typer has 1.
    """

    @functools.wraps(function)
    def guarded(**arguments: Any) -> None:
        try:
            function(**arguments)
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    return with_flags(guarded)


def say(text: str) -> None:
    """Print a line for a person, on standard error.

    So standard output stays clean for `--json`.
    """
    print(visible(text), file=sys.stderr, flush=True)


def tell(text: str) -> None:
    """Print a line of the result, on standard output.

    On a terminal it is folded between words, elsewhere it is one line.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    # long words are paths, URLs and commands, which must stay whole to be pasted
    lines = textwrap.wrap(visible(text), width, break_long_words=False, break_on_hyphens=False) if width else []
    print_lasting("\n".join(lines) or visible(text), sys.stdout)


def say_error(error: object) -> None:
    """Print an error, in a few lines."""
    print(message(f"error: {error}"), file=sys.stderr, flush=True)


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    print(json_text(value))
