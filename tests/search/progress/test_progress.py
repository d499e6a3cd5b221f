"""What a person sees: numbers as they are read, one line per trial in a log, and the live view on a real console."""

import io
import math
import re

import pytest
from hpo.search.progress.base import Progress, Standing
from hpo.search.progress.format import amount, duration, ending, number_of, params_line, short, sparkline
from hpo.search.progress.live import LiveProgress
from hpo.search.progress.plain import PlainProgress
from hpo.training.report import IMPORTING, Activity, EpochReport
from rich.console import Console

FRESH = Standing("digits", "maximize", 7)
PARAMS = {"optimizer": "sgd", "optimizer.sgd.lr": 0.0123456, "model.width": 32}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (8.34, "8.3 s"), (59.94, "59.9 s"), (59.97, "1 min 00 s"), (60, "1 min 00 s"), (125.4, "2 min 05 s"),
     (3599.6, "1 h 00 min"), (11520, "3 h 12 min"), (360000, "100 h 00 min")],
)  # fmt: skip
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.85564, "0.8556"), (1936.7, "1,937"), (-1936.7, "-1,937"), (4e-7, "4e-07"), (0.0, "0")]
)
def test_amounts(value: float, text: str) -> None:
    assert amount(value) == text


def test_values_and_parameters() -> None:
    assert (number_of(0.5), number_of(None).strip()) == ("0.5000", "-")
    assert [short(value) for value in (0.0123456, 32, True, None, "sgd")] == ["0.0123", "32", "True", "None", "sgd"]
    assert params_line(PARAMS) == "optimizer=sgd lr=0.0123 width=32"
    assert [ending(status) for status in ("stopped", "out_of_memory", "finished")] == [
        "pruned",
        "out of memory",
        "finished",
    ]


def test_a_sparkline_spans_its_own_range() -> None:
    assert sparkline([]) == ""
    assert sparkline([0.3]) == sparkline([0.0]) == "▁"
    assert sparkline([1, 1, 1]) == "▁▁▁"
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([1, 0]) == "█▁"
    long = sparkline([float(i) for i in range(1000)], 20)
    assert (len(long), long[0], long[-1]) == (20, "▁", "█")


@pytest.mark.parametrize("odd", [[0.5, float("nan"), 0.7], [float("nan")], [float("inf"), 1.0], [float("-inf"), 0.0]])
def test_a_curve_with_numbers_that_are_none_is_drawn(odd: list[float]) -> None:
    drawn = sparkline(odd)
    assert [bar == "×" for bar in drawn] == [not math.isfinite(value) for value in odd]


def report(epoch: int, value: float, elapsed_s: float = 1.0) -> EpochReport:
    metrics = {"train_loss": 1 / epoch, "val_accuracy": value, "images_per_s": 12345.6}
    return EpochReport(epoch, metrics, elapsed_s=elapsed_s)


def play(progress: Progress) -> None:
    """A small search: one trial of each ending, and one that is still running."""
    for number in range(5):
        progress.trial_started(number, {"model.width": number}, 3, {})
    for epoch, value in ((1, 0.5), (2, 0.8)):
        progress.epoch(0, report(epoch, value, 1.5 * epoch), value)
    progress.epoch(1, report(1, 0.1), 0.1)
    progress.trial_ended(0, "COMPLETE", 0.8, "finished", "")
    progress.trial_ended(1, "PRUNED", 0.9, "stopped", "")
    progress.trial_ended(2, "FAIL", None, "failed", "net.py:3: NameError: x\nmore")
    progress.note("trial 3: worker lost")
    progress.trial_ended(3, "PRUNED", None, "diverged", "loss is NaN")
    progress.epoch(4, report(2, 0.7), 0.7)


def test_a_log_has_a_line_per_trial() -> None:
    stream = io.StringIO()
    progress = PlainProgress(FRESH, stream)
    play(progress)
    progress.close()
    lines = [re.sub(r" +", " ", line) for line in stream.getvalue().splitlines()]
    assert lines == [
        "study digits: to 7 trials",
        "trial 0 finished 0.8000 best 0.8000 2 epochs, 3.0 s width=0",
        "trial 1 pruned 0.9000 best 0.8000 1 epoch, 1.0 s width=1",
        "trial 2 failed - best 0.8000 0 epochs, 0.0 s net.py:3: NameError: x",
        "trial 3: worker lost",
        "trial 3 diverged - best 0.8000 0 epochs, 0.0 s width=3",
    ]


@pytest.mark.parametrize(("direction", "best"), [("maximize", "0.8000"), ("minimize", "0.2000")])
def test_the_best_is_the_best_complete_one_in_the_studys_direction(direction: str, best: str) -> None:
    stream = io.StringIO()
    console = Console(file=io.StringIO(), force_terminal=True, width=100, record=True)
    standing = Standing("digits", direction, 3)
    live = LiveProgress(standing, console)
    for progress in (PlainProgress(standing, stream), live):
        for number, value in enumerate((0.5, 0.2, 0.8, 0.6)):
            progress.trial_started(number, {}, 3, {})
            progress.trial_ended(number, "COMPLETE", value, "finished", "")
    assert f"best {best}" in stream.getvalue().splitlines()[-1]
    assert f"best {best}" in seen(live)
    live.close()


def seen(live: LiveProgress) -> str:
    """The newest frame as text."""
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(live._view())
    return console.export_text()


def on_a_terminal(done: int = 0) -> tuple[LiveProgress, io.StringIO]:
    """A live view, and all that its terminal was sent."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    return LiveProgress(Standing("digits", "maximize", 7, done), console), screen


def test_the_live_view_shows_the_study_and_a_line_per_worker() -> None:
    live, _ = on_a_terminal(done=2)
    assert "2/7 trials no best yet ETA -" in re.sub(r" +", " ", seen(live).replace("━", ""))
    live.trial_started(9, {"model.width": 1}, 3, {})
    assert re.search(r"9 +0/3 +- +- +- +starting", seen(live))
    play(live)
    frame = seen(live)
    assert "6/7 trials" in frame
    assert "best 0.8000 (trial 0)" in frame
    assert re.search(r"ETA \d", frame)
    assert re.search(r"4 +2/3 +0\.5000 +0\.7000 +12,346 +▁", frame)
    assert len(frame.strip().splitlines()) == 4  # the study, the titles, trials 9 and 4
    live.close()


def test_the_best_has_half_its_interval_beside_it() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    live = LiveProgress(Standing("digits", "maximize", 7, images=32), console)
    live.trial_started(3, {}, 1, {})
    live.trial_ended(3, "COMPLETE", 17 / 32, "finished", "")
    assert "best 0.5312 ± 0.16 (trial 3)" in seen(live)
    live.close()


def test_finished_trials_scroll_by_above_the_live_view() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, record=True)
    live = LiveProgress(FRESH, console)
    play(live)
    live.trial_started(8, {"model.a_parameter_with_a_long_name": "x" * 80}, 3, {})
    live.trial_ended(8, "COMPLETE", 0.4, "finished", "")
    live.close()
    text = console.export_text()
    for words in ("trial   0 finished      0.8000", "trial   1 pruned", "trial   2 failed", "trial   3 diverged"):
        assert words in text
    assert "NameError: x" in text
    assert "trial 3: worker lost" in text
    long = re.search(r"trial   8 [^\n]*…", text)
    assert long is not None
    assert len(long[0]) <= 80


def test_the_reason_of_a_failure_is_told_whole() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, record=True)
    live = LiveProgress(FRESH, console)
    live.trial_started(8, {}, 0, {})
    reason = "optimizer.lr: an enqueued value must be one of the space's (0.0003 to 0.01, log), got 5.0"
    live.trial_ended(8, "FAIL", None, "failed", reason)
    live.close()
    assert reason in " ".join(console.export_text().split())


def test_closing_gives_the_terminal_back() -> None:
    screen = io.StringIO()
    live = LiveProgress(FRESH, Console(file=screen, force_terminal=True, width=60))
    assert screen.getvalue().count("\x1b[?25l") == 1  # the cursor is hidden
    live.close()
    assert "\x1b[?25h" in screen.getvalue().rpartition("\x1b[?25l")[2]  # and shown again


def test_quick_epochs_do_not_redraw_each_time() -> None:
    screen = io.StringIO()
    live = LiveProgress(FRESH, Console(file=screen, force_terminal=True, width=60))
    live.trial_started(0, {}, 1000, {})
    before = len(screen.getvalue())
    for epoch in range(1, 1001):
        live.epoch(0, report(epoch, 0.5), 0.5)
    assert len(screen.getvalue()) - before < 20 * 400  # a few frames, not a thousand
    live.close()


RESUMED = Standing("digits", "maximize", 8, done=2, best=(0.91234, 1), begun={2: 3, 5: 1})


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (FRESH, "study digits: to 7 trials"),
        (
            RESUMED,
            "study digits: 2 of 8 trials done, best 0.9123 (trial 1); trial 2 goes on after epoch 3; "
            "trial 5 goes on after epoch 1",
        ),
        (Standing("digits", "maximize", 8, done=1), "study digits: 1 of 8 trials done, no best yet"),
        (
            Standing("digits", "maximize", 8, begun=dict.fromkeys(range(5), 2)),
            "study digits: 0 of 8 trials done, no best yet; 5 trials go on where they were",
        ),
    ],
)
def test_one_line_says_what_there_is_and_what_goes_on_from_where(standing: Standing, words: str) -> None:
    assert standing.words == words


def test_a_study_that_goes_on_begins_with_what_it_has() -> None:
    stream, screen = io.StringIO(), io.StringIO()
    plain, live = PlainProgress(RESUMED, stream), LiveProgress(RESUMED, Console(file=screen, width=200))
    assert stream.getvalue() == f"{RESUMED.words}\n"
    assert RESUMED.words in screen.getvalue()
    assert "2/8 trials best 0.9123 (trial 1)" in re.sub(r" +", " ", seen(live).replace("━", ""))
    for progress in (plain, live):
        progress.trial_started(2, {}, 6, {1: 0.5, 3: 0.8, 2: 0.7})
    assert re.search(r"2 +3/6 +- +- +- +▁▆█", seen(live))
    for progress in (plain, live):
        progress.trial_ended(2, "COMPLETE", 0.8, "finished", "")
    assert "best 0.9123" in stream.getvalue().splitlines()[-1]
    assert "best 0.9123" in seen(live)
    live.close()


def test_the_live_view_says_what_is_done_before_and_within_an_epoch() -> None:
    live, _ = on_a_terminal()
    live.trial_started(0, {}, 6, {})
    for activity, line in (
        (IMPORTING, r"0 +0/6 +- +- +- +importing torch"),
        (Activity("loading the data"), r"0 +0/6 +- +- +- +loading the data"),
        (Activity("training", 1, 45, 120), r"0 +0/6 \+37% +- +- +- +training, batch 45/120"),
    ):
        live.busy(0, activity)
        assert re.search(line, seen(live)), seen(live)
    live.epoch(0, report(1, 0.5), 0.5)
    assert re.search(r"0 +1/6 +1\.0000", seen(live))
    live.busy(0, Activity("validating", 2, 120, 120))
    assert re.search(r"0 +1/6 \+100% +1\.0000 +0\.5000 +12,346 +▁", seen(live))
    live.close()


def test_the_live_view_fits_a_terminal_of_80_columns() -> None:
    live, _ = on_a_terminal()
    live.trial_started(104, {}, 200, dict.fromkeys(range(1, 190), 0.5))
    live.busy(104, Activity("training", 190, 45, 120))
    live.trial_started(105, {}, 200, {})
    live.busy(105, Activity("training", 1, 1045, 1200))
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(live._workers())
    text = console.export_text()
    assert "…" not in text
    assert "training, batch 1045/1200" in text
    live.close()
