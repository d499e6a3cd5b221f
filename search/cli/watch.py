"""What `hpo run` shows: a live view on a terminal, plain lines elsewhere."""

from rich.console import Console

from ..progress.base import Progress, Standing
from ..progress.live import LiveProgress
from ..progress.plain import PlainProgress
from ..run import Watcher
from .common import say


def watcher() -> Watcher:
    """A live view where standard error is a terminal, else one line per finished trial."""
    console = Console(stderr=True)
    live = console.is_terminal and not console.is_dumb_terminal

    def progress(standing: Standing) -> Progress:
        return LiveProgress(standing, console) if live else PlainProgress(standing)

    return Watcher(_Stages(console if live else None), progress, say)


class _Stages:
    """The preparation: images are counted in a line that is redrawn on a terminal; else a line per stage."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not total:
            say(stage)
        elif self._console is not None:
            end = "\n" if done >= total else "\r"
            self._console.print(f"{stage}: {done:,}/{total:,} images", end=end, highlight=False)
        elif stage != self._stage:
            say(f"{stage}: {total:,} images")
        self._stage = stage
