"""The view of `hpo run`: live on a terminal, plain lines elsewhere."""

import sys

from rich.console import Console

from ..commands.run.prepare import Watcher
from ..progress.base import Progress, Standing
from ..progress.live import LiveProgress
from ..progress.plain import PlainProgress
from .common import say


def watcher(json: bool = False) -> Watcher:
    """Return a live view on a terminal, else a line per trial.

    The lines go to standard output, and so into the file of `hpo run ... > file`; under `json` that is for the result.
    """
    console = Console(stderr=True)
    # `hpo run > file` wants its lines in the file, even from a terminal
    live = console.is_terminal and not console.is_dumb_terminal and (json or sys.stdout.isatty())

    def progress(standing: Standing) -> Progress:
        stream = sys.stderr if json else sys.stdout
        return LiveProgress(standing, console) if live else PlainProgress(standing, stream)

    return Watcher(_Stages(console if live else None), progress, say)


class _Stages:
    """The view of the preparation.

    On a terminal images are counted in a line that is redrawn; elsewhere a stage is a line.
    """

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._stages: set[tuple[str, int]] = set()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not total:
            say(stage)
        elif self._console is not None:
            end = "\n" if done >= total else "\r"  # back to the start of the line, which the next count overwrites
            self._console.print(f"{stage}: {done:,}/{total:,} images", end=end, highlight=False)
        elif (stage, total) not in self._stages:
            self._stages.add((stage, total))
            say(f"{stage}: {total:,} images")
