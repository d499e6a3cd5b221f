"""The progress views of a single training: a bar, or plain lines."""

import sys
import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from ...common.display import visible
from ...training.report import Activity, EpochReport
from .terminal import QuietKeys

_REDRAW_S = 0.1  # as often as rich draws: a batch must not wait for it each time


class RetrainWatcher(Protocol):
    """A progress view of one training; every call returns at once."""

    def stage(self, stage: str, done: int, total: int) -> None:
        """The data is being prepared; a stage without images has no `total`."""
        ...

    def training(self, epochs: int) -> None:
        """Training begins, or goes on, up to epoch `epochs`."""
        ...

    def busy(self, activity: Activity) -> None:
        """The activity, also after every batch."""
        ...

    def epoch(self, report: EpochReport) -> None:
        """An epoch has ended."""
        ...

    def note(self, text: str) -> None:
        """A line that a person should read."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


class PlainWatcher:
    """A line on standard error for each stage and epoch."""

    def __init__(self) -> None:
        self._stages: set[tuple[str, int]] = set()  # those printed
        self._epochs = self._reached = 0

    def stage(self, stage: str, done: int, total: int) -> None:
        """Print one line for each stage."""
        # some stages take turns, batch by batch
        if (stage, total) not in self._stages:
            self._stages.add((stage, total))
            self.note(f"{stage}: {total:,} images" if total else stage)

    def training(self, epochs: int) -> None:
        """Remember how many epochs there will be."""
        self._epochs, self._reached = epochs, 0

    def busy(self, activity: Activity) -> None:
        """Print a line before training, and one where it resumes."""
        if not self._epochs:
            self.note(activity.words)
        elif activity.epoch > self._reached + 1:  # from a checkpoint
            self.note(f"going on with epoch {activity.epoch}/{self._epochs}")
        self._reached = max(self._reached, activity.epoch)

    def epoch(self, report: EpochReport) -> None:
        """Print the epoch's metrics."""
        self.note(f"epoch {report.epoch}/{self._epochs}  {_metrics(report)}")

    def note(self, text: str) -> None:
        """Print the line."""
        print(visible(text), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing is open."""


class LiveWatcher:
    """A bar for the stage at hand; notes scroll by above it."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[count]}"))
        self._progress = Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[tail]}"), console=console)
        self._keys = QuietKeys()
        self._progress.start()
        self._task = self._progress.add_task("", total=None, visible=False, count="", tail="")
        self._title = ""
        self._epochs = 0
        self._moved = 0.0

    def stage(self, stage: str, done: int, total: int) -> None:
        """Let the bar follow the images."""
        if not total:
            self.busy(Activity(stage))
            return
        self._show(stage, total)
        self._progress.update(self._task, completed=done, count=f"{done:,}/{total:,}")

    def training(self, epochs: int) -> None:
        """Let the bar follow the epochs."""
        self._epochs, self._title = epochs, ""  # the bar begins anew, also where another training came before
        self._show("training", epochs)

    def busy(self, activity: Activity) -> None:
        """Move the bar within an epoch, or name the activity."""
        if not activity.total:
            self._progress.update(self._task, description=activity.words, visible=True)
        elif time.monotonic() - self._moved >= _REDRAW_S:
            self._moved = time.monotonic()
            done = activity.epoch - 1 + activity.done / activity.total
            count = f"epoch {activity.epoch}/{self._epochs}"
            self._progress.update(self._task, description=activity.words, completed=done, count=count)

    def epoch(self, report: EpochReport) -> None:
        """Move the bar to the epoch's end, with its metrics."""
        count = f"epoch {report.epoch}/{self._epochs}"
        self._progress.update(self._task, completed=report.epoch, count=count, tail=_metrics(report))

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(Text(visible(text), style="dim"))

    def close(self) -> None:
        """Give the terminal back."""
        self._progress.stop()
        self._keys.close()

    def _show(self, title: str, total: int) -> None:
        if title != self._title:
            self._progress.reset(self._task, description=title, total=total, visible=True, count="", tail="")
            self._title = title


def watcher() -> RetrainWatcher:
    """The live view where standard error is a terminal, else plain lines."""
    console = Console(stderr=True)
    return LiveWatcher(console) if console.is_terminal and not console.is_dumb_terminal else PlainWatcher()


def _metrics(report: EpochReport) -> str:
    metrics = report.metrics
    validated = f"  val {metrics['val_accuracy']:.4f}" if "val_accuracy" in metrics else ""
    trained = f"loss {metrics['train_loss']:.4f}  accuracy {metrics['train_accuracy']:.4f}"
    return f"{trained}{validated}  {metrics['images_per_s']:,.0f} images/s"
