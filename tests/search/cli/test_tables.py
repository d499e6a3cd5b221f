"""Tables on terminals of every width."""

import io

import pytest
from hpo.search.cli.tables import FirstThatFits, Screen, unfolded
from hpo.search.progress.single import PlainWatcher
from hpo.training.metrics.calibration import Calibration


@pytest.mark.parametrize(("width", "title"), [(80, "wide"), (30, "middle"), (10, "narrow")])
def test_the_widest_table_that_fits_is_shown_whole(width: int, title: str) -> None:
    tables = []
    for name, count in (("wide", 60), ("middle", 20), ("narrow", 12)):
        view = unfolded(f"{name}\ntable")
        view.add_row("x " * (count // 2))
        tables.append(view)
    screen = Screen(file=io.StringIO(), width=width)
    screen.print(FirstThatFits(*tables))
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert title in text
    assert (text.count("x") in (30, 10)) == (width > 10)  # nothing is cut but where no table fits


def test_stages_that_take_turns_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    watcher = PlainWatcher()
    for done in range(4):
        watcher.stage("read", done, 40)
        watcher.stage("predict", done, 40)
    assert capsys.readouterr().err.splitlines() == ["read: 40 images", "predict: 40 images"]


@pytest.mark.parametrize(
    ("nll", "ece", "words"),
    [
        ((0.5, 0.4), (0.16, 0.12), "calibration error 0.160 -> 0.120"),
        ((0.5, 0.4), (0.162, 0.166), "kept for the log loss, which it is fitted to: 0.500 -> 0.400 nats"),
        ((0.5, 0.51), (0.162, 0.166), "kept, though it did not help here: log loss 0.500 -> 0.510 nats"),
    ],
)
def test_a_temperature_says_why_it_is_kept(nll: tuple[float, float], ece: tuple[float, float], words: str) -> None:
    found = Calibration(
        temperature=1.1, weights="trial 0", images=32, nll_before=nll[0], nll_after=nll[1], ece_before=ece[0],
        ece_after=ece[1],
    )  # fmt: skip
    assert found.words.startswith(words)
