"""Tables and lines on standard output, in one style.

What they say is text, never obeyed (common/display.py).
"""

import os
import shutil
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ...common.display import visible

PIPE_WIDTH = 160  # in a pipe there is no window to fit
_BOUNDLESS = 100_000  # characters: wider than any table
NUMBERS = frozenset({"trial", "value", "epochs", "best"})  # titles of columns that are aligned to the right


class Screen(Console):
    """A console of plain text.

    It knows no markup, no emoji codes and no colouring of numbers.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """Do as rich does, with each string as `line` makes it."""
        super().print(*(line(each) if isinstance(each, str) else each for each in objects), **options)


class PlainTable(Table):
    """A table whose cells are text."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        """Do as rich does, with each string as `line` makes it."""
        rendered = [line(each) if isinstance(each, str) else each for each in cells]
        super().add_row(*rendered, **options)
        for column, cell in zip(self.columns, rendered, strict=False):
            if column.no_wrap and isinstance(cell, Text):  # else rich takes the longest word for what it needs
                column.min_width = max(column.min_width or 0, cell.cell_len)


class FirstThatFits:
    """The first of `tables` that fits the terminal, else the last.

    The widest comes first.
    """

    def __init__(self, *tables: RenderableType) -> None:
        self._tables = tables

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render for rich."""
        boundless = options.update(max_width=_BOUNDLESS)  # a measure stops at the width of its options
        needs = [(table, Measurement.get(console, boundless, table).minimum) for table in self._tables]
        yield next((table for table, width in needs if width <= options.max_width), self._tables[-1])


def line(text: str, **options: Any) -> Text:
    """Return `text` in one line, safe to show.

    `options` are those of rich's Text.
    """
    return Text(visible(text), **options)


def stdout() -> Screen:
    """The console for results; wide where no terminal limits it."""
    console = Screen(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        return Screen(width=max(PIPE_WIDTH, shutil.get_terminal_size().columns), highlight=False)
    return console


def table(*titles: str) -> PlainTable:
    """A plain table with these column titles, of one or more lines.

    Without titles it is a list of facts.
    """
    named = any(titles)
    view = PlainTable(box=box.SIMPLE_HEAD if named else None, show_header=named, header_style="bold", pad_edge=False)
    for title in titles:
        view.add_column(
            Text("\n".join(map(visible, title.split("\n")))), justify="right" if title in NUMBERS else "left"
        )
    return view


def unfolded(*titles: str) -> PlainTable:
    """A table whose cells stay in one line.

    So `FirstThatFits` knows how wide it is.
    """
    view = table(*titles)
    for column, title in zip(view.columns, titles, strict=True):
        column.no_wrap, column.min_width = True, max(map(len, title.split("\n")))
    return view
