"""Tables on standard output, in one style."""

import os
import shutil

from rich import box
from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 160  # in a pipe there is no window to fit
NUMBERS = frozenset({"trial", "value", "epochs", "best"})


def stdout() -> Console:
    """The console for results; wide where no terminal limits it."""
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        return Console(width=max(PIPE_WIDTH, shutil.get_terminal_size().columns))
    return console


def table(*titles: str) -> Table:
    """A plain table with these column titles; without titles it is a list of facts."""
    named = any(titles)
    view = Table(box=box.SIMPLE_HEAD if named else None, show_header=named, header_style="bold", pad_edge=False)
    for title in titles:
        view.add_column(title, justify="right" if title in NUMBERS else "left")
    return view
