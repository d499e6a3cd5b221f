"""What a person sees of trials that are paused at rungs and promoted."""

import io
import re

import pytest
from hpo.search.progress.base import Progress, Standing
from hpo.search.progress.live import LiveProgress
from hpo.search.progress.plain import PlainProgress
from hpo.training.report import EpochReport
from rich.console import Console

FRESH = Standing("digits", "maximize", 4)
RESUMED = Standing("digits", "maximize", 9, done=2, best=(0.91234, 1), paused=frozenset({3, 4, 5}))
PROMOTES_NO_MORE = "pruned: the search is done, and promotes no more"


def epoch(number: int, value: float) -> EpochReport:
    return EpochReport(number, {"train_loss": 1.0, "val_accuracy": value, "images_per_s": 9.0}, elapsed_s=1.5 * number)


def play(progress: Progress) -> None:
    """Three trials reach the first rung; the best of them is promoted, and runs to its end."""
    for number in range(3):
        progress.trial_started(number, {"model.width": number}, 2, {})
        progress.epoch(number, epoch(1, number / 4), number / 4)
        progress.trial_paused(number, 0, number / 4)
    progress.trial_started(2, {"model.width": 2}, 2, {1: 0.5})
    progress.epoch(2, epoch(2, 0.6), 0.6)
    progress.trial_ended(2, "COMPLETE", 0.6, "finished", "")


def end(progress: Progress) -> None:
    """The search is done, and tells those that it promotes no more."""
    for number in (0, 1):
        progress.trial_ended(number, "PRUNED", number / 4, "stopped", "")
    progress.close()


def test_a_log_has_a_line_per_rung_that_a_trial_reaches_and_one_for_all_that_end_there() -> None:
    stream = io.StringIO()
    progress = PlainProgress(FRESH, stream)
    play(progress)
    end(progress)
    assert [re.sub(r" +", " ", line) for line in stream.getvalue().splitlines()] == [
        "study digits: to 4 trials",
        "trial 0 at rung 0 0.0000 best - 1 epoch, 1.5 s width=0",
        "trial 1 at rung 0 0.2500 best - 1 epoch, 1.5 s width=1",
        "trial 2 at rung 0 0.5000 best - 1 epoch, 1.5 s width=2",
        "trial 2 finished 0.6000 best 0.6000 2 epochs, 3.0 s width=2",
        f"2 paused trials end here, {PROMOTES_NO_MORE}",
    ]


def live_view(standing: Standing) -> tuple[LiveProgress, Console]:
    console = Console(file=io.StringIO(), force_terminal=True, width=120, record=True)
    return LiveProgress(standing, console), console


def frame(live: LiveProgress) -> str:
    """The newest frame, with single spaces and without its bar."""
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(live._view())
    return re.sub(r" +", " ", console.export_text().replace("━", "").replace("╸", ""))


def test_the_live_view_counts_paused_trials_in_its_head_and_prints_no_line_for_them() -> None:
    live, console = live_view(FRESH)
    play(live)
    assert "3/4 trials, 2 paused best 0.6000 (trial 2) ETA" in frame(live)
    end(live)
    text = console.export_text()
    assert "at rung" not in text
    assert text.count("trial   2 finished") == 1
    assert not re.search(r"trial   [01] ", text)
    assert f"2 paused trials end here, {PROMOTES_NO_MORE}" in text


def test_a_promoted_trial_has_its_curve_in_its_line() -> None:
    live, _ = live_view(RESUMED)
    assert "5/9 trials, 3 paused best 0.9123 (trial 1) ETA -" in frame(live)
    live.trial_started(4, {}, 16, {1: 0.2, 2: 0.3, 3: 0.4, 4: 0.5})
    assert "4/9 trials, 2 paused" in frame(live)
    assert re.search(r"4 4/16 - - - ▁▃▆█|4 4/16 - - - ▁▃▅█", frame(live))
    live.trial_ended(4, "FAIL", None, "failed", "no")
    assert "5/9 trials, 2 paused" in frame(live)
    live.close()


def test_the_time_left_is_not_known_once_only_promotions_are_left() -> None:
    live, _ = live_view(FRESH)
    play(live)
    live.trial_started(3, {}, 2, {})
    assert re.search(r"ETA \d", frame(live))
    live.trial_paused(3, 0, 0.1)
    assert "4/4 trials, 3 paused best 0.6000 (trial 2) ETA -" in frame(live)
    live.close()


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (RESUMED, "study digits: 2 of 9 trials done, 3 paused at rungs, best 0.9123 (trial 1)"),
        (
            Standing("digits", "maximize", 9, paused=frozenset({0})),
            "study digits: 0 of 9 trials done, 1 paused at rungs, no best yet",
        ),
    ],
)
def test_a_study_that_goes_on_says_how_many_are_paused(standing: Standing, words: str) -> None:
    assert standing.words == words
