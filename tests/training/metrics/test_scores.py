"""The metrics beyond loss and accuracy: against plain counting, and refused where they mean nothing."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hpo.errors import SpaceError, TrainingError
from hpo.training.config import ObjectiveConfig, TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.loop.wanted_metrics import check_metrics, wanted_metrics
from hpo.training.machine.precision import Precision
from hpo.training.metric_names import ExtraMetric, ValMetric, Watched, direction_of, improves
from hpo.training.metrics.over_split import evaluate
from hpo.training.metrics.scores import SCORES, measure
from hpo.training.report import EpochReport, Status, TrainResult
from hpo.training.train import train
from pydantic import ValidationError
from torch import nn

Make = Callable[..., TrialConfig]
NAMES = get_args(ExtraMetric)


@pytest.fixture
def ten() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 8, 400)  # of ten classes two do not occur
    logits = random.normal(size=(400, 10)).astype(np.float32)
    logits[np.arange(400), labels] += 1.5
    return logits, labels


def value(name: ExtraMetric, data: tuple[np.ndarray, np.ndarray]) -> float:
    return measure([name], *data)[name]


def test_every_name_is_registered_and_no_other() -> None:
    assert set(SCORES) == set(NAMES)
    assert set(get_args(ValMetric)) == {"val_accuracy", "val_loss", *NAMES}
    assert set(get_args(Watched)) == {"train_loss", "train_accuracy", *get_args(ValMetric)}
    with pytest.raises(SpaceError, match="metric val_ece: a name is registered once"):
        SCORES.add("val_ece", SCORES.find("val_ece"))


def test_balanced_accuracy_is_the_mean_recall(ten: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = ten
    hit = logits.argmax(1) == labels
    assert value("val_balanced_accuracy", ten) == pytest.approx(np.mean([hit[labels == c].mean() for c in range(8)]))


def test_macro_f1_is_the_mean_f1(ten: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = ten
    chosen = logits.argmax(1)
    both = [((chosen == c) & (labels == c)).sum() for c in range(8)]
    sums = [(chosen == c).sum() + (labels == c).sum() for c in range(8)]
    assert value("val_macro_f1", ten) == pytest.approx(np.mean([2 * b / s for b, s in zip(both, sums, strict=True)]))


def test_a_class_that_is_never_recognised_has_f1_zero() -> None:
    logits, labels = np.tile(np.float32([1, 0]), (4, 1)), np.array([0, 0, 0, 1])
    assert value("val_macro_f1", (logits, labels)) == pytest.approx((6 / 7 + 0) / 2)
    assert value("val_balanced_accuracy", (logits, labels)) == 0.5


def test_top5_is_among_the_five_largest(ten: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = ten
    above = (logits > logits[np.arange(400), labels][:, None]).sum(1)
    assert value("val_top5_accuracy", ten) == pytest.approx((above < 5).mean())


def test_auroc_is_the_share_of_pairs_in_order() -> None:
    random = np.random.default_rng(1)
    logits, labels = random.normal(size=(60, 2)).astype(np.float32), np.arange(60) % 2
    margin = logits[:, 1] - logits[:, 0]
    pairs = margin[labels == 1][:, None] > margin[labels == 0][None, :]
    assert value("val_auroc", (logits, labels)) == pytest.approx(pairs.mean())


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.9, 0.92, 0.6, 0.62])  # two bins of two: 0.9 to 0.933, and 0.6 to 0.667
    logits = np.log(np.stack([confidence, 1 - confidence], axis=1)).astype(np.float32)
    labels = np.array([0, 1, 0, 0])
    expected = abs(0.91 - 0.5) / 2 + abs(0.61 - 1.0) / 2
    assert value("val_ece", (logits, labels)) == pytest.approx(expected, abs=1e-5)


def test_the_certain_and_right_are_calibrated() -> None:
    logits = np.float32([[100, 0], [0, 100]])
    assert value("val_ece", (logits, np.array([0, 1]))) == pytest.approx(0.0, abs=1e-6)


def test_evaluation_measures_what_is_wanted_over_all_batches() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    batches = [(torch.randn(n, 1, 2, 2), torch.arange(n) % 2) for n in (5, 5, 3)]
    precision = Precision(torch.device("cpu"), torch.float32)
    assert evaluate(model, batches, precision).scores == {}
    found = evaluate(model, batches, precision, ("val_auroc", "val_ece"))
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    expected = measure(["val_auroc", "val_ece"], model(images).detach().numpy(), labels.numpy())
    assert found.scores == pytest.approx(expected)


def test_weights_that_broke_are_not_measured() -> None:
    model = nn.Linear(4, 2)
    nn.init.constant_(model.weight, float("nan"))
    batches = [(torch.randn(6, 4), torch.arange(6) % 2)]
    found = evaluate(model, batches, Precision(torch.device("cpu"), torch.float32), ("val_auroc",))
    assert found.scores == {}


def test_directions() -> None:
    assert {name for name in get_args(Watched) if direction_of(name) == "minimize"} == {
        "train_loss",
        "val_loss",
        "val_ece",
    }
    assert improves("val_ece", 0.1, 0.2)
    assert not improves("val_macro_f1", 0.1, 0.2)
    assert improves("val_macro_f1", 0.1, None)
    assert not improves("val_loss", 0.15, 0.2, by=0.1)
    assert improves("val_loss", 0.05, 0.2, by=0.1)


@pytest.mark.parametrize("metric", get_args(ValMetric))
def test_the_objectives_direction_follows_from_its_metric_and_is_checked(metric: str) -> None:
    wrong = {"minimize": "maximize", "maximize": "minimize"}[direction_of(metric)]
    right = ObjectiveConfig(metric=metric, at="best")
    assert right == ObjectiveConfig(metric=metric, direction=direction_of(metric), at="best")
    assert (
        TrialConfig.model_validate_json(f'{{"objective": {{"metric": "{metric}", "at": "best"}}}}').objective == right
    )
    history = [EpochReport(epoch, {metric: value}, 1.0) for epoch, value in ((1, 0.1), (2, 0.2))]
    assert right.worth(history) == ((0.2, 2, ()) if improves(metric, 0.2, 0.1) else (0.1, 1, ()))
    with pytest.raises(ValidationError, match=f"direction must be {direction_of(metric)} for {metric}, got {wrong}"):
        ObjectiveConfig(metric=metric, direction=wrong)


@pytest.mark.parametrize(
    ("sections", "wanted"),
    [
        ({}, ()),
        ({"objective": {"metric": "val_ece", "direction": "minimize"}}, ("val_ece",)),
        ({"metrics": ["val_macro_f1", "val_ece"]}, ("val_macro_f1", "val_ece")),
        ({"budget": {"epochs": 2, "patience": 1, "patience_metric": "val_macro_f1"}}, ("val_macro_f1",)),
        ({"schedule": {"name": "plateau", "metric": "val_ece"}, "metrics": ["val_ece"]}, ("val_ece",)),
    ],
)
def test_what_something_looks_at_is_wanted(
    sections: dict[str, Any], wanted: tuple[str, ...], small_config: Make
) -> None:
    assert wanted_metrics(small_config(**sections)) == wanted


@pytest.mark.parametrize(
    ("metric", "counts", "words"),
    [
        ("val_auroc", (5, 5, 5), "val_auroc needs data of two classes, birds has 3"),
        ("val_auroc", (5, 0), "validation images of both classes"),
        ("val_top5_accuracy", (5,) * 5, "val_top5_accuracy needs more than five classes, birds has 5"),
        ("val_top5_accuracy", (5,) * 6, ""),
        ("val_auroc", (5, 5), ""),
    ],
)
def test_metrics_without_meaning_are_refused(
    metric: str, counts: tuple[int, ...], words: str, small_config: Make
) -> None:
    pack: Any = SimpleNamespace(source="birds", class_names=("x",) * len(counts), counts={"val": counts})
    pack.views = (pack,)
    config = small_config(metrics=[metric])
    if not words:
        check_metrics(config, pack)
        return
    with pytest.raises(TrainingError, match=words):
        check_metrics(config, pack)


def test_a_run_reports_them_and_goes_by_them(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    names = [name for name in NAMES if name != "val_auroc"]
    objective = {"metric": "val_ece", "direction": "minimize", "at": "best"}
    *_, result = train(small_config(metrics=names, objective=objective), pack=digits_pack, directory=tmp_path)
    assert isinstance(result, TrainResult)
    assert result.status is Status.FINISHED
    assert all(set(names) <= set(report.metrics) for report in result.history)
    assert result.best == min(result.history, key=lambda report: report.metrics["val_ece"])
    assert len(Pack.open(digits_pack).class_names) == 10
    with pytest.raises(TrainingError, match="two classes"):
        next(iter(train(small_config(metrics=["val_auroc"]), pack=digits_pack, directory=tmp_path / "no")))
    assert not (tmp_path / "no").exists()
