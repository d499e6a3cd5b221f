"""Tables and lines on standard output, in one style; what they say is shown as text, never obeyed (display.py)."""

import os
import shutil
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...display import visible

PIPE_WIDTH = 160  # in a pipe there is no window to fit
NUMBERS = frozenset({"trial", "value", "epochs", "best"})


class Screen(Console):
    """A console for which text is text: no markup, no emoji codes, no colouring of numbers."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's, with each string as `line` makes it."""
        super().print(*(line(each) if isinstance(each, str) else each for each in objects), **options)


class PlainTable(Table):
    """A table whose cells are text."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        """As rich's, with each string as `line` makes it."""
        super().add_row(*(line(each) if isinstance(each, str) else each for each in cells), **options)


def line(text: str, **options: Any) -> Text:
    """`text` in one line, as it may be shown; `options` are those of rich's Text."""
    return Text(visible(text), **options)


def stdout() -> Screen:
    """The console for results; wide where no terminal limits it."""
    console = Screen(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        return Screen(width=max(PIPE_WIDTH, shutil.get_terminal_size().columns), highlight=False)
    return console


def table(*titles: str) -> PlainTable:
    """A plain table with these column titles; without titles it is a list of facts."""
    named = any(titles)
    view = PlainTable(box=box.SIMPLE_HEAD if named else None, show_header=named, header_style="bold", pad_edge=False)
    for title in titles:
        view.add_column(line(title), justify="right" if title in NUMBERS else "left")
    return view
