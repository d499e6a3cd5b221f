"""The moving average of weights."""

import pytest
import torch
from hpo.training.optim.average import WeightAverage
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def small_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def wiggle(model: nn.Module, seed: int) -> None:
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))
    model(torch.randn(5, 3))


def tensors(model: nn.Module) -> list[torch.Tensor]:
    return [*model.parameters(), *model.buffers()]


def test_it_is_the_recurrence() -> None:
    model = small_model()
    average = WeightAverage(model, decay=0.5)
    expected = [tensor.detach().clone().float() for tensor in tensors(model)]
    for step in range(1, 20):
        wiggle(model, step)
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = [decay * old + (1 - decay) * new for old, new in zip(expected, tensors(model), strict=True)]
    for found, value, live in zip(tensors(average.model), expected, tensors(model), strict=True):
        assert torch.allclose(found.float(), value if found.is_floating_point() else live.float(), atol=1e-5)


def test_past_its_beginning_it_is_torchs() -> None:
    model = small_model()
    average = WeightAverage(model, decay=0.1)  # (1 + 1) / (10 + 1) is more
    torchs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.1), use_buffers=True)
    torchs.update_parameters(model)  # the first is a copy
    for step in range(5):
        wiggle(model, step)
        average.update()
        torchs.update_parameters(model)
    for found, value in zip(average.model.parameters(), torchs.module.parameters(), strict=True):
        assert torch.allclose(found, value, atol=1e-6)


def test_the_drawn_weights_are_soon_forgotten() -> None:
    model = small_model()
    average = WeightAverage(model, decay=0.999)
    nn.init.ones_(model.get_parameter("0.weight"))
    for _ in range(50):
        average.update()
    assert average.model.get_parameter("0.weight").flatten().tolist() == pytest.approx([1.0] * 12, abs=1e-3)


def test_it_neither_trains_nor_shares_memory() -> None:
    model = small_model()
    average = WeightAverage(model, decay=0.9)
    assert not any(parameter.requires_grad for parameter in average.model.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())
    wiggle(model, 1)
    assert not torch.equal(average.model.get_parameter("0.weight"), model.get_parameter("0.weight"))


def test_it_goes_on_from_its_state() -> None:
    model = small_model()
    average, other = WeightAverage(model, decay=0.9), WeightAverage(model, decay=0.9)
    for step in range(4):
        wiggle(model, step)
        average.update()
    other.load({"model": {k: v.clone() for k, v in average.state()["model"].items()}, "steps": 4})
    wiggle(model, 9)
    average.update()
    other.update()
    assert all(torch.equal(a, b) for a, b in zip(tensors(average.model), tensors(other.model), strict=True))
