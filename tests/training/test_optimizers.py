"""Parameter groups, optimisers against the plain formula, clipping, label smoothing."""

import pytest
import torch
from hpo.errors import TrainingError
from hpo.training.losses.config import LossConfig
from hpo.training.losses.loss import build_loss
from hpo.training.models.simple_cnn import SimpleCnn
from hpo.training.optim.config import AdamW, OptimizerConfig, Sgd
from hpo.training.optim.gradients import clip_gradients
from hpo.training.optim.groups import parameter_groups, set_lr
from hpo.training.optim.optimizers import build_optimizer
from torch import nn
from torch.nn.functional import cross_entropy, log_softmax, one_hot


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return SimpleCnn(10, 1, image_size=8, width=4)


def backward(model: nn.Module) -> None:
    cross_entropy(model(torch.randn(4, 1, 8, 8)), torch.tensor([0, 1, 2, 3])).backward()


def test_norms_and_biases_have_no_decay(model: nn.Module) -> None:
    decayed, others = parameter_groups(model, 0.5)
    names = {id(p): name for name, p in model.named_parameters()}
    assert {names[id(p)] for p in decayed["params"]} == {
        *(f"blocks.{i}.0.weight" for i in range(3)),
        "hidden.weight",
        "classifier.weight",
    }
    assert decayed["weight_decay"] == 0.5
    assert others["weight_decay"] == 0.0
    assert len(decayed["params"]) + len(others["params"]) == len(names)


def test_frozen_parameters_are_left_out(model: nn.Module) -> None:
    model.get_submodule("blocks").requires_grad_(False)
    groups = parameter_groups(model, 0.0)
    assert sum(len(group["params"]) for group in groups) == 4


def test_nothing_to_train_is_refused(model: nn.Module) -> None:
    with pytest.raises(TrainingError, match="SimpleCnn: has no trainable parameters"):
        parameter_groups(model.requires_grad_(False), 0.0)


@pytest.mark.parametrize(
    "config", [Sgd(lr=0.1, weight_decay=0.01), Sgd(lr=0.1, momentum=0.0), AdamW(lr=0.01, weight_decay=0.1)]
)
def test_a_step_with_decay_is_the_formulas(config: OptimizerConfig) -> None:
    weight = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        weight.weight.fill_(2.0)
    optimizer = build_optimizer(config, weight)
    weight.weight.grad = torch.full((2, 3), 0.5)
    optimizer.step()
    if isinstance(config, Sgd):  # first step: velocity is the gradient; Nesterov looks one step ahead
        gradient = 0.5 + config.weight_decay * 2.0
        expected = 2.0 - config.lr * gradient * (1 + config.momentum)
    else:  # first step: the bias-corrected ratio is the gradient's sign
        expected = 2.0 * (1 - config.lr * config.weight_decay) - config.lr
    assert weight.weight.flatten().tolist() == pytest.approx([expected] * 6, rel=1e-5)


def test_set_lr_reaches_every_group(model: nn.Module) -> None:
    optimizer = build_optimizer(AdamW(), model)
    set_lr(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]


def norm_of(model: nn.Module) -> float:
    return sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None) ** 0.5


def test_clipping_reports_the_norm_before_and_scales_to_the_limit(model: nn.Module) -> None:
    backward(model)
    before = norm_of(model)
    norm = clip_gradients(list(model.parameters()), before / 10)
    assert norm.item() == pytest.approx(before, rel=1e-5)
    assert norm_of(model) == pytest.approx(before / 10, rel=1e-3)


@pytest.mark.parametrize("limit", [None, 1e9])
def test_small_gradients_are_left_as_they_are(model: nn.Module, limit: float | None) -> None:
    backward(model)
    before = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    clip_gradients(list(model.parameters()), limit)
    assert all(
        torch.equal(p.grad, old) for p, old in zip(model.parameters(), before, strict=True) if p.grad is not None
    )


def test_label_smoothing_is_the_papers_formula() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 5), torch.tensor([0, 1, 2, 3, 4, 0])
    target = one_hot(labels, 5) * 0.8 + 0.2 / 5
    expected = -(target * log_softmax(logits, dim=1)).sum(dim=1).mean()
    assert build_loss(LossConfig(label_smoothing=0.2))(logits, labels).item() == pytest.approx(expected.item())
    assert torch.equal(build_loss(LossConfig())(logits, labels), cross_entropy(logits, labels))
