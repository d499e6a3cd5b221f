"""Recorded curves: the journal, the table, and a curve that follows from its configuration alone."""

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import SearchSpace

from ..warm.client import run

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SETTING = {"space": "made up", "epochs": 2}
SPACE = SearchSpace(
    "made up",
    (
        Choice("flip", (False, True)),
        Choice("optimizer", ("adamw", "sgd"), branching=True),
        Float("optimizer.sgd.lr", 0.01, 1.0, log=True, condition=(("optimizer", "sgd"),)),
        Int("width", 8, 32, step=8),
    ),
)


@pytest.fixture
def curve_journal(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import curve_journal

    return curve_journal


def test_a_journal_gives_back_what_was_added(curve_journal: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.jsonl"
    journal = curve_journal.Journal(path, SETTING)
    whole = curve_journal.Recorded(0, {"flip": True, "width": 8}, [2.3, 1.0, 0.5], [0.1, 0.6, 0.8], 1.5)
    diverged = curve_journal.Recorded(1, {"width": 16}, [2.3, 9.0, float("inf")], [0.1, 0.1, 0.1], 1.0)
    journal.add(whole)
    journal.add(diverged)
    again = curve_journal.Journal(path, SETTING)
    assert again.recorded == journal.recorded == [whole, diverged]
    assert again.seconds == 2.5


def test_a_line_that_a_kill_cut_short_is_recorded_again(curve_journal: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    recorded = curve_journal.Recorded(0, {"width": 8}, [2.3, 1.0, 0.5], [0.1, 0.6, 0.8], 1.5)
    curve_journal.Journal(path, SETTING).add(recorded)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"number": 1, "par')
    again = curve_journal.Journal(path, SETTING)
    assert again.recorded == [recorded]
    assert path.read_bytes() == whole


def test_a_journal_of_another_setting_is_refused(curve_journal: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    curve_journal.Journal(path, SETTING)
    with pytest.raises(SystemExit, match="another setting"):
        curve_journal.Journal(path, {**SETTING, "epochs": 3})


def test_a_table_holds_numbers_and_says_what_they_mean(curve_journal: ModuleType, tmp_path: Path) -> None:
    nan, inf = float("nan"), float("inf")
    sgd = {"flip": True, "optimizer": "sgd", "optimizer.sgd.lr": 0.1, "width": 8}
    adamw = {"flip": False, "optimizer": "adamw", "width": 32}
    recorded = [
        curve_journal.Recorded(1, sgd, [2.0, 1.0, 0.5], [0.125, 0.5, 0.75], 2.0),
        curve_journal.Recorded(0, adamw, [2.0, inf, inf], [0.1, nan, nan], 1.0),
    ]
    np.savez_compressed(tmp_path / "table.npz", **curve_journal.arrays(SPACE, recorded, SETTING))
    with np.load(tmp_path / "table.npz") as table:
        assert table["names"].tolist() == ["flip", "optimizer", "optimizer.sgd.lr", "width"]
        np.testing.assert_equal(table["configs"], [[0, 0, nan, 32], [1, 1, 0.1, 8]])
        np.testing.assert_equal(table["valid_loss"], np.float32([[2, inf, inf], [2, 1, 0.5]]))
        np.testing.assert_equal(table["valid_accuracy"], np.float32([[0.1, nan, nan], [0.125, 0.5, 0.75]]))
        assert table["numbers"].tolist() == [0, 1]
        legend, setting = (json.loads(str(table[name])) for name in ("legend", "setting"))
        again = curve_journal.from_arrays(SPACE, table)
    assert legend["flip"]["choices"] == [False, True]
    rate = SPACE.by_key["optimizer.sgd.lr"]
    assert legend[rate.key] == {"when": [["optimizer", "sgd"]], **rate.canonical()}
    assert setting == SETTING
    assert again[1] == recorded[0]
    assert again[0].params == adamw


def test_a_journal_goes_on_with_the_table_that_was_kept(curve_journal: ModuleType, tmp_path: Path) -> None:
    kept = [curve_journal.Recorded(number, {"width": 8}, [2.5, 1.0], [0.5, 0.75], 1.0) for number in range(3)]
    journal = curve_journal.Journal(tmp_path / "table.jsonl", SETTING)
    journal.adopt(kept[:2])
    assert (journal.recorded, journal.next_number) == (kept[:2], 2)
    journal.add(kept[2])
    again = curve_journal.Journal(tmp_path / "table.jsonl", SETTING)
    assert (again.recorded, again.next_number) == (kept[2:], 0)
    again.adopt(kept[:2])
    assert (again.recorded, again.next_number) == (kept, 3)


def test_a_choice_is_known_by_its_type(curve_journal: ModuleType) -> None:
    choice = Choice("x", (1, True, 1.0, "1", None))
    assert [curve_journal.as_number(choice, {"x": value}) for value in choice.choices] == [0, 1, 2, 3, 4]


def test_a_training_that_diverged_has_a_curve_of_full_length(curve_journal: ModuleType) -> None:
    assert curve_journal.padded([2.3, 4.0], 4, float("inf")) == [2.3, 4.0, float("inf"), float("inf")]


def test_every_table_can_be_told_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from curve_tables import EPOCHS, TABLES

    settings = [json.dumps(table.setting(), sort_keys=True) for table in TABLES.values()]
    assert len(set(settings)) == len(settings)
    assert all(table.space().fixed["budget.epochs"] == EPOCHS for table in TABLES.values())


@pytest.mark.parametrize("path", sorted((BENCHMARKS / "curves").glob("*.npz")), ids=lambda path: path.stem)
def test_what_is_kept_is_small_and_whole(path: Path) -> None:
    assert path.stat().st_size < 300_000
    with np.load(path) as arrays:
        rows, epochs = len(arrays["configs"]), json.loads(str(arrays["setting"]))["epochs"]
        assert arrays["names"].tolist() == list(json.loads(str(arrays["legend"])))
        assert arrays["numbers"].tolist() == list(range(rows))
        assert arrays["valid_loss"].shape == arrays["valid_accuracy"].shape == (rows, 1 + epochs)
        assert not np.isnan(arrays["valid_loss"]).any()


@pytest.mark.slow
def test_a_smoke_run_records_the_same_curve_twice(warm: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
import sys
from pathlib import Path
sys.path[0] = {str(BENCHMARKS)!r}
import curve_training, record
sys.argv = ["record.py", "--quick"]
record.main()
table = record.TABLES["simple_cnn_digits"]
pack = record.pack_of(table, Path({str(tmp_path)!r}), Path())
first, again = (curve_training.record(table.space(), 1, pack) for _ in range(2))
assert (first.params, first.valid_loss, first.valid_accuracy) == (again.params, again.valid_loss, again.valid_accuracy)
print("the same")
""")
    done = run([str(script)])
    assert done.returncode == 0, done.stderr
    assert "simple_cnn_digits.npz: 2 configurations of 9 epochs" in done.stdout
    assert done.stdout.endswith("the same\n")
