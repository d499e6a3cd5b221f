"""A single training, watched to its end or to Ctrl-C."""

from collections.abc import Callable, Iterable

from ...training.report import EpochReport, Signal, TrainResult
from ..loop.interrupt import STOPPING, on_interrupt
from ..progress.single import RetrainWatcher

Asked = Callable[[], Signal]


def ignore_epoch(report: EpochReport) -> None:
    """Do nothing with an epoch."""


def follow(
    start: Callable[[Asked], Iterable[EpochReport | TrainResult]],
    watcher: RetrainWatcher,
    epochs: int,
    each: Callable[[EpochReport], None] = ignore_epoch,
    *,
    ending: Signal = Signal.PAUSE,
    words: str = STOPPING,
) -> tuple[TrainResult, bool]:
    """Show a training up to epoch `epochs`; return its result, and whether Ctrl-C came.

    Ctrl-C is seen between two batches: a signal handler that raised could tear a checkpoint.

    Args:
        start: starts the training, given what it asks before every batch.
        watcher: the view of it.
        epochs: how many there will be.
        each: is called with every epoch, after the view.
        ending: what Ctrl-C asks of the training.
        words: what Ctrl-C says to the user.
    """
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True

    watcher.training(epochs)
    with on_interrupt(interrupt, lambda: watcher.note(words)):
        result = _result(start(lambda: ending if interrupted else Signal.CONTINUE), watcher, each)
    return result, interrupted


def _result(
    training: Iterable[EpochReport | TrainResult], watcher: RetrainWatcher, each: Callable[[EpochReport], None]
) -> TrainResult:
    """Show each epoch of `training`; return its result."""
    for item in training:
        if isinstance(item, TrainResult):
            return item
        watcher.epoch(item)
        each(item)
    raise RuntimeError("a training must end with a result")
