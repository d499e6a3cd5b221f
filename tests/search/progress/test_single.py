"""What a person sees of a single training: what is done before it, an epoch that moves, and where it goes on."""

import io

import pytest
from hpo.search.progress.single import LiveWatcher, PlainWatcher
from hpo.training.report import IMPORTING, Activity, EpochReport
from rich.console import Console

METRICS = {"train_loss": 0.5, "train_accuracy": 0.75, "val_accuracy": 0.7, "images_per_s": 1234.5}


def test_a_log_says_what_is_done_first_and_where_training_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    watcher = PlainWatcher()
    watcher.busy(IMPORTING)
    watcher.training(6)
    for activity in (Activity("building the model"), Activity("training", 3, 1, 10), Activity("training", 3, 2, 10)):
        watcher.busy(activity)
    watcher.epoch(EpochReport(3, METRICS, 1.0))
    watcher.busy(Activity("training", 4, 1, 10))
    assert capsys.readouterr().err.splitlines() == [
        "importing torch",
        "going on with epoch 3/6",
        "epoch 3/6  loss 0.5000  accuracy 0.7500  val 0.7000  1,234 images/s",
    ]


def test_a_log_of_a_new_training_does_not_say_that_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    watcher = PlainWatcher()
    watcher.training(6)
    for epoch in (1, 2):
        watcher.busy(Activity("training", epoch, 1, 10))
    assert capsys.readouterr().err == ""


def bar(watcher: LiveWatcher) -> str:
    """The newest frame as text."""
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(watcher._progress)
    return " ".join(console.export_text().replace("━", "").split())


def test_the_bar_says_what_is_done_and_moves_within_an_epoch() -> None:
    watcher = LiveWatcher(Console(file=io.StringIO(), force_terminal=True, width=120))
    try:
        watcher.busy(IMPORTING)
        assert bar(watcher).startswith("importing torch")
        watcher.stage("write", 400, 1797)
        assert "write" in bar(watcher)
        assert "400/1,797" in bar(watcher)
        watcher.training(6)
        watcher.busy(Activity("building the model"))
        assert bar(watcher).startswith("building the model")
        watcher.busy(Activity("training", 3, 45, 60))
        assert "epoch 3/6" in bar(watcher)
        assert watcher._progress.tasks[0].completed == 2.75
        watcher.epoch(EpochReport(3, METRICS, 1.0))
        assert watcher._progress.tasks[0].completed == 3
    finally:
        watcher.close()
