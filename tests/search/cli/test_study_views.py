"""`hpo show` of a study whose trials are paused at rungs."""

import io
import re
from typing import Any

import pytest
from hpo.search.cli.study_views import studies_view, study_view, trial_view
from hpo.search.cli.tables import Screen
from hpo.search.progress.rungs import ordinal, rungs_line, strategy_line
from hpo.studies import attributes
from hpo.studies.records.strategy import StrategyRecord
from hpo.studies.records.summarise import summarise
from optuna.trial import FrozenTrial

from ...studies.records.rung_study import climbed, five, rung_study


def printed(view: Any, width: int = 120) -> list[str]:
    """The lines of a view, with single spaces."""
    screen = io.StringIO()
    Screen(file=screen, width=width).print(view)
    return [re.sub(r" +", " ", line).strip() for line in screen.getvalue().splitlines()]


def shown(*trials: FrozenTrial, width: int = 120) -> list[str]:
    return printed(study_view(summarise(rung_study(*trials)._storage, "s")), width)


def test_a_study_tells_its_strategy_its_rungs_and_who_stands_where() -> None:
    lines = shown(*five())
    assert lines[:4] == [
        "study s: maximize val_accuracy; 1 complete, 1 running, 3 paused; 0.0 s of search; fp32",
        "strategy rungs, sampler forest, the best 1/4 go on after epochs 1 and 4; 15 epochs trained",
        "went on: 3 of 5 from epoch 1, 2 of 3 from epoch 4",
        "best 0.8000, trial 0",
    ]
    assert any(line.startswith("1 paused, 5th of 5 0.1000 1 - ") for line in lines)
    assert any(line.startswith("2 paused, 3rd of 3 0.6500 4 - ") for line in lines)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_rank_is_there_on_a_terminal_of_any_width(width: int) -> None:
    lines = shown(*five(), width=width)
    assert any("paused, 3rd of 3" in line for line in lines)
    assert not any("…" in line for line in lines)


def test_a_paused_trial_tells_its_rung_and_its_rank() -> None:
    summary = summarise(rung_study(*five())._storage, "s")
    lines = printed(trial_view(summary, summary.trials[2], None))
    assert lines[0] == "study s, trial 2: paused at rung 1 (epoch 4), 3rd of 3"


def test_where_none_has_run_to_its_end_the_furthest_is_named() -> None:
    lines = shown(climbed("RUNNING", 0.1, rung=0), climbed("RUNNING", 0.2, 0.3, 0.4, 0.5, rung=1))
    assert lines[3] == "no trial has run to its end; trial 1 is the only one that reached epoch 4: 0.5000"


def test_the_list_of_studies_counts_the_paused() -> None:
    lines = printed(studies_view([summarise(rung_study(*five())._storage, "s")]))
    assert "1 complete, 1 running, 3 paused" in lines[3]


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (StrategyRecord("pruning", "tpe", "median"), "strategy pruning, sampler tpe, pruner median; 1 epoch trained"),
        (StrategyRecord("rungs", "forest", one_in=(4, 4, 4), rungs=(1, 4, 16)),
         "strategy rungs, sampler forest, the best 1/4 go on after epochs 1, 4 and 16; 1 epoch trained"),
        (StrategyRecord("narrow_rungs", "forest", one_in=(16, 4, 2), rungs=(1, 4, 16)),
         "strategy narrow_rungs, sampler forest, the best 1/16, 1/4 and 1/2 go on after epochs 1, 4 and 16; "
         "1 epoch trained"),
        (StrategyRecord("one_epoch_then_best", "random", rungs=(1,)),
         "strategy one_epoch_then_best, sampler random, the best go on after epoch 1; 1 epoch trained"),
    ],
)  # fmt: skip
def test_a_strategy_in_a_line(strategy: StrategyRecord, words: str) -> None:
    assert strategy_line(strategy, 1) == words
    assert rungs_line(()) == ""


def test_ordinals() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 111, 1001)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "103rd", "111th", "1,001st"
    ]  # fmt: skip


def test_an_audited_trial_and_an_extension_say_so() -> None:
    audited = climbed("COMPLETE", 0.1, 0.2, **{attributes.AUDIT: {"epoch": 1, "rung": 0}})
    extension = climbed("COMPLETE", 0.1, 0.3, **{attributes.ORIGIN: {"extends": {"trial": 0, "epochs": 16}}})
    summary = summarise(rung_study(audited, extension)._storage, "s")
    lines = printed(study_view(summary))
    assert any("audited" in line and "0.2000" in line for line in lines)
    assert any(line.startswith("audit: of 1 trial to be stopped that ran on") for line in lines)
    first, second = (printed(trial_view(summary, trial, None)) for trial in summary.trials)
    assert any(
        line.split() == ["audit", "would", "have", "been", "paused", "at", "rung", "0", "after", "epoch", "1"]
        for line in first
    )
    assert "audit would have been paused at rung 0 after epoch 1" in first
    assert "extends trial 0" in second
