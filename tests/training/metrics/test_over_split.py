"""Evaluation, prediction, the meter, precision and seeding."""

import math
import random

import numpy as np
import pytest
import torch
from hpo.errors import TrainingError
from hpo.training.config import PrecisionConfig
from hpo.training.loop.meter import DivergenceWatch, Meter
from hpo.training.machine.precision import Precision, auto_dtype
from hpo.training.machine.seeding import seeded
from hpo.training.metrics.over_split import evaluate, predict
from torch import nn
from torch.nn.functional import cross_entropy

CPU = torch.device("cpu")
FP32 = Precision(CPU, torch.float32)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 3))


@pytest.fixture
def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    torch.manual_seed(1)
    return [(torch.randn(n, 1, 2, 2), torch.randint(0, 3, (n,))) for n in (5, 5, 2)]


def test_evaluation_is_over_images_not_batches(
    model: nn.Module, batches: list[tuple[torch.Tensor, torch.Tensor]]
) -> None:
    model.train()
    found = evaluate(model, batches, FP32)
    assert model.training
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    logits = model.eval()(images)
    assert found.loss == pytest.approx(cross_entropy(logits, labels).item(), rel=1e-5)
    assert found.accuracy == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    assert found.count == 12


def test_predictions_are_in_order(model: nn.Module, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    found = predict(model, batches, FP32)
    assert torch.allclose(found.logits, model.eval()(torch.cat([images for images, _ in batches])))
    assert torch.equal(found.labels, torch.cat([labels for _, labels in batches]))
    assert torch.is_inference_mode_enabled() is False


def test_meter_weighs_by_images_and_leaves_out_infinite_norms() -> None:
    meter = Meter(CPU)
    meter.add(torch.tensor(1.0), torch.eye(3), torch.tensor([0, 1, 0]), torch.tensor(2.0))
    meter.add(torch.tensor(4.0), torch.eye(3)[:1], torch.tensor([0]), torch.tensor(math.inf))
    assert meter.read() == {"train_loss": 7 / 4, "train_accuracy": 3 / 4, "grad_norm": 2.0}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_divergence_is_seen_at_once_on_a_cpu(value: float) -> None:
    watch = DivergenceWatch(CPU)
    assert not watch.diverged(torch.tensor(1e30))
    assert watch.diverged(torch.tensor(value))


def test_precision_on_a_cpu() -> None:
    assert Precision.choose(PrecisionConfig(dtype="fp32"), CPU).dtype is torch.float32
    asked = Precision.choose(PrecisionConfig(dtype="bf16"), CPU)
    assert not asked.scaler().is_enabled()
    with asked.autocast():
        assert nn.Linear(2, 2)(torch.zeros(1, 2)).dtype is torch.bfloat16
    with pytest.raises(TrainingError, match="fp16 needs CUDA, the device is cpu"):
        Precision.choose(PrecisionConfig(dtype="fp16"), CPU)


def test_auto_is_a_rule_and_fp32_on_a_cpu() -> None:
    assert Precision.choose(PrecisionConfig(), CPU).name == "fp32"
    assert auto_dtype([CPU, torch.device("meta")]) == "fp32"


def test_a_run_keeps_the_format_it_began_with() -> None:
    bf16 = Precision(CPU, torch.bfloat16)
    assert FP32.as_before(bf16.state()) == bf16
    assert FP32.as_before({"device": "cuda", "dtype": "bf16"}) == FP32


def draws() -> tuple[float, float, float]:
    return torch.rand(()).item(), random.random(), float(np.random.rand())


def test_seeded_draws_depend_on_seed_and_epoch_alone() -> None:
    found = {}
    for key in ((1, 1), (1, 2), (2, 1), (1, 1)):
        with seeded(*key, CPU):
            values = draws()
        assert found.setdefault(key, values) == values
    assert len(set(found.values())) == 3


def test_seeded_gives_the_generators_back_also_after_an_error() -> None:
    with seeded(0, 0, CPU):
        expected = [draws(), draws()]
    with seeded(0, 0, CPU):
        got = [draws()]
        with pytest.raises(RuntimeError), seeded(5, 5, CPU):
            torch.rand(-1)
        got.append(draws())
    assert got == expected
