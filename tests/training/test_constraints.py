"""Limits of a training: what is refused before, during and after it, and what is measured for that."""

from pathlib import Path
from typing import Any

import pytest
from hpo.training.config import TrialConfig
from hpo.training.constraints import ConstraintsConfig
from hpo.training.data.config import DataConfig
from hpo.training.data.prepare import prepare
from hpo.training.export import costs
from hpo.training.report import EpochReport, Status, TrainResult
from hpo.training.train import train

DATA = {"source": "digits", "batch_size": 128, "max_train": 256}
SMALL = {"name": "simple_cnn", "width": 4}


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(DataConfig(**DATA), cache=tmp_path_factory.mktemp("cache")).path


def trained(pack: Path, directory: Path, **sections: Any) -> TrainResult:
    config = TrialConfig.model_validate({"data": DATA, "model": SMALL, "budget": {"epochs": 2}, **sections})
    config = config.model_copy(update={"precision": config.precision.model_copy(update={"dtype": "fp32"})})
    *_, result = train(config, pack=pack, directory=directory)
    assert isinstance(result, TrainResult)
    return result


def test_excess_is_a_share_of_the_limit() -> None:
    limits = ConstraintsConfig(params_m="<= 4", val_accuracy=">= 0.8")
    assert limits.excesses({"params_m": 5, "val_accuracy": 0.9, "onnx_mb": 7}) == pytest.approx(
        {"params_m": 0.25, "val_accuracy": -0.125}
    )
    assert limits.broken({"params_m": 5}) == "params_m must be <= 4, got 5"
    assert limits.broken({"params_m": 4, "val_accuracy": 0.8}) == ""
    assert "val_accuracy must be >= 0.8, got nan" in limits.broken({"val_accuracy": float("nan")})


def test_what_keeps_to_its_limits_is_trained_and_says_so(pack: Path, tmp_path: Path) -> None:
    limits = {"params_m": "<= 1", "onnx_mb": "<= 10", "onnx_latency_ms": "<= 1000", "peak_memory_gb": "<= 64"}
    result = trained(pack, tmp_path, constraints=limits, objective={"also": [{"metric": "latency_ms"}]})
    assert result.status is Status.FINISHED
    assert result.best is not None
    assert result.excesses.keys() == limits.keys()
    assert all(excess < 0 for excess in result.excesses.values())
    metrics = result.best.metrics
    assert 0 < metrics["onnx_mb"] < 1
    assert 0 < metrics["params_m"] < 0.1
    assert result.best.others == (metrics["onnx_latency_ms"],)
    assert 0.05 < metrics["peak_memory_gb"] < 64


def test_a_model_that_is_too_large_is_not_trained(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "_of_file", lambda *_: pytest.fail("it is known to be too large by its parameters"))
    result = trained(pack, tmp_path, constraints={"params_m": "<= 0.001", "onnx_mb": "<= 1"})
    assert (result.status, result.history) == (Status.VIOLATED, ())
    assert result.message.startswith("params_m must be <= 0.001, got 0.00")
    assert result.excesses["params_m"] > 0


def test_a_training_that_takes_too_much_memory_ends(pack: Path, tmp_path: Path) -> None:
    result = trained(pack, tmp_path, constraints={"peak_memory_gb": "<= 0.01"})
    assert (result.status, len(result.history)) == (Status.VIOLATED, 1)
    assert "peak_memory_gb must be <= 0.01" in result.message


def test_what_a_training_is_worth_is_judged_at_its_end(pack: Path, tmp_path: Path) -> None:
    result = trained(pack, tmp_path, constraints={"val_accuracy": ">= 1", "val_ece": "<= 1"})
    assert (result.status, len(result.history)) == (Status.FINISHED, 2)
    assert result.excesses["val_accuracy"] > 0 > result.excesses["val_ece"]
    assert result.message.startswith("val_accuracy must be >= 1, got 0.")


def test_costs_are_measured_once_for_each_architecture(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide, both = SMALL | {"width": 6}, {"also": [{"metric": "onnx_mb"}, {"metric": "latency_ms"}]}
    first = trained(pack, tmp_path / "a", objective=both, model=wide)
    monkeypatch.setattr(costs, "_measured", lambda *_: pytest.fail("measured twice"))
    dropped = trained(pack, tmp_path / "b", objective=both, model=wide | {"dropout": 0.25})  # which is in no file
    monkeypatch.setattr(costs, "_of_file", lambda *_: pytest.fail("written twice"))
    latency = trained(pack, tmp_path / "c", seed=7, objective={"also": [{"metric": "latency_ms"}]}, model=wide)
    assert first.best is not None
    assert dropped.best is not None
    assert latency.best is not None
    assert first.best.others == tuple(first.best.metrics[name] for name in ("onnx_mb", "onnx_latency_ms"))
    assert first.best.others == dropped.best.others
    assert latency.best.others == first.best.others[1:]


def test_a_worth_has_a_value_for_each_objective() -> None:
    reports = [
        EpochReport(e, {"val_accuracy": v, "val_loss": 1 - v, "params_m": 2.0}, 1.0) for e, v in ((1, 0.9), (2, 0.7))
    ]
    further = [{"metric": "val_loss"}, {"metric": "params_m"}]
    last = TrialConfig.model_validate({"objective": {"also": further}}).objective.worth(reports)
    best = TrialConfig.model_validate({"objective": {"at": "best", "also": further}}).objective.worth(reports)
    mean = TrialConfig.model_validate({"objective": {"mean_of": 2, "also": further}}).objective.worth(reports)
    assert last == (0.7, 2, pytest.approx((0.3, 2.0)))
    assert best == (0.9, 1, pytest.approx((0.1, 2.0)))
    assert mean == (pytest.approx(0.8), 2, pytest.approx((0.2, 2.0)))
