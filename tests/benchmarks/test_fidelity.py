"""How cheap trainings rank configurations: the figures, and what is trained."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import spearmanr

from ..warm.client import run

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def fidelity(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fidelity

    return fidelity


def test_the_same_order_agrees_and_the_reverse_does_not(fidelity: ModuleType) -> None:
    whole = np.linspace(0.1, 0.9, 20)
    same = fidelity.agreement(whole**2, whole)
    assert same == pytest.approx({"spearman": 1.0, "low": 1.0, "high": 1.0, "best_quarter": 1.0})
    reverse = fidelity.agreement(-whole, whole)
    assert (reverse["spearman"], reverse["best_quarter"]) == (pytest.approx(-1.0), 0.0)


def test_the_interval_lies_about_the_correlation(fidelity: ModuleType) -> None:
    random = np.random.default_rng(0)
    whole = random.random(40)
    found = fidelity.agreement(whole + 0.3 * random.random(40), whole)
    assert 0 < found["low"] < found["spearman"] < found["high"] < 1


def test_ranks_correlate_as_spearman_says(fidelity: ModuleType) -> None:
    random = np.random.default_rng(0)
    cheap, whole = np.round(random.random((2, 3, 30)), 1)  # with ties
    expected = [spearmanr(a, b).statistic for a, b in zip(cheap, whole, strict=True)]
    assert fidelity.correlation(cheap, whole).tolist() == pytest.approx(expected)


def test_constant_values_rank_nothing(fidelity: ModuleType) -> None:
    assert fidelity.correlation(np.full((1, 5), 0.1), np.arange(5.0)[None]).tolist() == [0.0]


def test_a_training_that_diverged_is_the_worst(fidelity: ModuleType) -> None:
    assert fidelity.worth(np.array([0.2, np.nan, 0.0])).argmin() == 1


def test_cheaper_trainings_are_of_the_same_configurations(fidelity: ModuleType) -> None:
    for name in fidelity.NAMES:
        table = fidelity.TABLES[name]
        cheap = [*fidelity.shorter(table), *fidelity.smaller(table)]
        dimensions = [parameter.canonical() for parameter in table.space().parameters]
        assert all([p.canonical() for p in each.table.space().parameters] == dimensions for each in cheap)
        assert len({each.journal for each in cheap}) == len(cheap)
        settings = [each.table.setting() for each in cheap]
        assert all(setting != table.setting() for setting in settings)
        assert [setting["epochs"] for setting in settings[:2]] == [1, 4]


@pytest.mark.slow
def test_a_smoke_run_ranks_recorded_configurations(warm: Path, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    done = run([str(BENCHMARKS / "fidelity.py"), "--quick", "--out", str(out)])
    assert done.returncode == 0, done.stderr
    assert "a quarter of the images" in done.stdout
    assert "a schedule of 9" not in done.stdout  # they are among the recorded curves
    assert out.exists()
