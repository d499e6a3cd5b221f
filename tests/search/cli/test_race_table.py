"""The table of a race, wide and narrow."""

import pytest
from hpo.search.cli.race_table import print_race
from hpo.training.export.race import Race, RaceEntry

WINNER = RaceEntry(
    trial=7, selected=0.95, values=(0.9, 0.92, 0.91), mean=0.91, interval=(0.89, 0.93), optimism=0.04, probability=0.97,
    outcome="won",
)  # fmt: skip
STOPPED = RaceEntry(
    trial=3, selected=0.94, values=(0.8, 0.81), mean=0.805, interval=(0.7, 0.9), optimism=0.135, probability=0.03,
    outcome="stopped",
)  # fmt: skip
FAILED = RaceEntry(trial=5, selected=0.93, values=(), outcome="failed", failure="out of memory")


def shown(capsys: pytest.CaptureFixture[str], **changes: object) -> str:
    race = Race.model_validate(
        {"seeds": 3, "validation": "drawn anew", "stop_below": 0.05, "entries": (WINNER, STOPPED, FAILED), **changes}
    )
    print_race(race)
    return capsys.readouterr().out


def test_every_candidate_has_its_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    text = shown(capsys)
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert "7 0.9500 0.9100 0.8900 to 0.9300 3 +0.0400 0.970 won" in rows
    assert "3 0.9400 0.8050 0.7000 to 0.9000 2 +0.1350 0.030 stopped" in rows
    assert "5 0.9300 - 0 failed: out of memory" in rows
    assert "other validation images" in text


def test_in_eighty_characters_no_line_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(capsys, entries=(WINNER, STOPPED))
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert "7 0.9500 0.9100 0.8900 to 0.9300 +0.0400 0.970 won" in rows
    assert max(map(len, text.splitlines())) <= 80


def test_the_data_s_own_split_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "the data's own" in shown(capsys, validation="given")
