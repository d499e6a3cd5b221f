"""The live view of a search on a terminal.

It shows the study with its best and ETA, and one line per running trial.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ...common.display import visible
from ...common.interval import around
from ...training.report import Activity, EpochReport
from .base import Standing
from .format import dropped, duration, ending, number_of, params_line, sparkline
from .terminal import QuietKeys

_REDRAW_S = 0.2  # quick epochs of many workers must not keep the coordinator drawing; faster, nobody could read it


@dataclass(slots=True)
class _Line:
    """A running trial: parameters, epochs, newest report and activity."""

    params: Mapping[str, Any]
    epochs: int
    done: int
    curve: list[float]
    report: EpochReport | None = None
    activity: Activity | None = None


class LiveProgress:
    """Redraws with every event; finished trials scroll by above.

    For epochs that is at most five times a second.

    note: rich's own refresh thread races with lines that are printed above, and leaves pieces of old frames behind.
    """

    def __init__(self, standing: Standing, console: Console) -> None:
        self._study, self._total, self._images = standing.study, standing.total, standing.images
        self._limits, self._epochs = standing.limits, 0  # epochs of this run
        self._better = max if standing.direction == "maximize" else min
        self._done, self._start = standing.done, time.monotonic()
        self._best, self._named = standing.best, standing.named
        self._paused, self._dropped = set(standing.paused), 0
        self._share_before = self._share(0.0)
        self._lines: dict[int, _Line] = {}
        self._keys = QuietKeys()  # before the view starts: a Ctrl-C from here on would leave `^C` in it
        if standing.done or standing.begun or standing.paused:
            console.print(Text(visible(standing.words), style="dim"))
        self._live = Live(get_renderable=self._view, console=console, auto_refresh=False, transient=True)
        self._live.start(refresh=True)
        self._drawn = time.monotonic()

    def trial_started(self, number: int, params: Mapping[str, Any], epochs: int, curve: Mapping[int, float]) -> None:
        """Add a line for the trial."""
        self._paused.discard(number)
        self._lines[number] = _Line(params, epochs, max(curve, default=0), [curve[epoch] for epoch in sorted(curve)])
        self._draw()

    def busy(self, number: int, activity: Activity) -> None:
        """Show the activity in the line until its next report."""
        self._lines[number].activity = activity
        if activity.total:
            self._draw_soon()
        else:
            self._draw()  # nothing else may happen for long

    def epoch(self, number: int, report: EpochReport, value: float) -> None:
        """Show the newest numbers in the line."""
        line = self._lines[number]
        line.report, line.done, line.activity = report, report.epoch, None
        line.curve.append(value)
        self._epochs += 1
        self._draw_soon()

    def trial_paused(self, number: int, rung: int, value: float | None) -> None:
        """Take the line out of the view, and count the trial."""
        # no line is printed: most trials pause, and their lines would bury those that ended
        del self._lines[number]
        self._paused.add(number)
        self._draw()

    def trial_ended(self, number: int, state: str, value: float | None, status: str, message: str) -> None:
        """Take the line out of the view, and print its ending above; paused ones are only counted."""
        self._done += 1
        self._paused.discard(number)
        line = self._lines.pop(number, None)
        if line is None:
            self._dropped += 1
            return
        if value is not None and state == "COMPLETE":
            now = (value, number)  # of equals the first stays
            self._best = now if self._best is None else self._better(self._best, now, key=lambda best: best[0])
        color = {"COMPLETE": "green", "PRUNED": "yellow"}.get(state, "red")
        tail = message.splitlines()[0] if message and state == "FAIL" else params_line(line.params)
        numbers = f" {number_of(value)} {sparkline(line.curve, 12):<12} "
        text = Text.assemble(f"trial {number:>3} ", (f"{ending(status):<13}", color), numbers, visible(tail))
        if state != "FAIL":  # the reason of a failure is shown whole
            text.truncate(self._live.console.width, overflow="ellipsis")
        self._live.console.print(text)
        self._draw()

    def note(self, text: str) -> None:
        """Print a line above the view."""
        self._live.console.print(Text(visible(text), style="dim"))

    def close(self) -> None:
        """Give the terminal back."""
        if self._dropped:
            self.note(dropped(self._dropped))
        self._live.stop()
        self._keys.close()

    def _draw_soon(self) -> None:
        if time.monotonic() - self._drawn >= _REDRAW_S:
            self._draw()

    def _draw(self) -> None:
        self._live.refresh()
        self._drawn = time.monotonic()

    def _view(self) -> RenderableType:
        head = Table.grid(padding=(0, 1))
        best = "no best yet"
        if self._best is not None:
            best = f"{self._named} {self._with_margin(self._best[0])} (trial {self._best[1]})"
        bar = ProgressBar(total=1.0, completed=self._share(self._elapsed_s), width=24)
        head.add_row(Text(visible(self._study), style="bold"), bar, self._counts(), best, self._eta())
        return Group(head, self._workers())

    def _counts(self) -> str:
        counts = self._limits.counts(self._settled, self._total, self._epochs)
        return counts + (f", {len(self._paused)} paused" if self._paused else "")

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self._start

    def _share(self, elapsed_s: float) -> float:
        return self._limits.share(self._settled, self._total, self._epochs, elapsed_s)

    def _with_margin(self, value: float) -> str:
        """`0.5312 ± 0.16`: the best value with half its 95 % interval."""
        if self._images is None:
            return number_of(value)
        low, high = around(value, self._images)
        return f"{number_of(value)} ± {(high - low) / 2:.2g}"

    def _workers(self) -> Table:
        table = Table(box=None, padding=(0, 1), header_style="dim")
        for title in ("trial", "epoch", "loss", "accuracy", "images/s", "curve"):
            table.add_column(title, justify="left" if title == "curve" else "right", no_wrap=True)
        for number, line in self._lines.items():
            table.add_row(str(number), *_cells(line))
        return table

    @property
    def _settled(self) -> int:
        """How many trials have ended, or stand at a rung, from where most do not go on."""
        return self._done + len(self._paused)

    def _eta(self) -> str:
        # all workers together: the time for what was done already has their number in it. What former runs have done
        # is left out, as they may have had other workers
        elapsed_s = self._elapsed_s
        share = self._share(elapsed_s)
        if not self._share_before < share < 1:  # under rungs nobody knows how many promotions are left
            return "ETA -"
        return f"ETA {duration(elapsed_s / (share - self._share_before) * (1 - share))}"


def _cells(line: _Line) -> tuple[str, ...]:
    metrics = line.report.metrics if line.report else {}
    loss_and_accuracy = [f"{metrics[key]:.4f}" if key in metrics else "-" for key in ("train_loss", "val_accuracy")]
    speed = f"{metrics['images_per_s']:,.0f}" if metrics else "-"
    return (_epoch(line), *loss_and_accuracy, speed, _curve(line))


def _epoch(line: _Line) -> str:
    """`2/6 +45%`: the epochs done, and the share of the next."""
    now = line.activity
    if now is None or not now.total:
        return f"{line.done}/{line.epochs}"
    return f"{now.epoch - 1}/{line.epochs} +{100 * now.done // now.total}%"


def _curve(line: _Line) -> str:
    """The curve, or the activity before the first epoch of this run."""
    now = line.activity
    if now is None:
        return sparkline(line.curve) if line.curve else "starting"
    if now.total and line.curve:
        return sparkline(line.curve)
    return f"{now.words}, batch {now.done}/{now.total}" if now.total else now.words
