"""Losses against torch's and torchvision's, and weights of classes against the papers."""

from itertools import product
from typing import get_args

import pytest
import torch
from hpo.training.losses.class_weights import class_weights
from hpo.training.losses.config import LossConfig
from hpo.training.losses.focal import focal
from hpo.training.losses.loss import build_loss
from torch.nn.functional import cross_entropy, log_softmax, one_hot
from torchvision.ops import sigmoid_focal_loss

COUNTS = (50, 20, 5, 1)
KINDS = get_args(LossConfig.model_fields["kind"].annotation)
WEIGHTS = get_args(LossConfig.model_fields["class_weights"].annotation)


@pytest.fixture
def logits() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(6, 4, requires_grad=True)


LABELS = torch.tensor([0, 1, 2, 3, 3, 0])


def test_label_smoothing_is_the_papers_formula(logits: torch.Tensor) -> None:
    target = one_hot(LABELS, 4) * 0.8 + 0.2 / 4
    expected = -(target * log_softmax(logits, dim=1)).sum(dim=1).mean()
    assert build_loss(LossConfig(label_smoothing=0.2))(logits, LABELS).item() == pytest.approx(expected.item())
    assert torch.equal(build_loss(LossConfig())(logits, LABELS), cross_entropy(logits, LABELS))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_focal_loss_of_two_classes_is_torchvisions(gamma: float) -> None:
    torch.manual_seed(0)
    score, labels = torch.randn(20, dtype=torch.float64), torch.arange(20) % 2
    two = torch.stack([torch.zeros_like(score), score], dim=1).float()
    expected = sigmoid_focal_loss(score, labels.double(), alpha=-1, gamma=gamma)
    assert torch.allclose(focal(two, labels, gamma), expected.float(), atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_focal_loss_without_focus_is_cross_entropy(smoothing: float, logits: torch.Tensor) -> None:
    config = LossConfig(kind="focal", focal_gamma=0.0, label_smoothing=smoothing)
    expected = cross_entropy(logits, LABELS, label_smoothing=smoothing)
    assert build_loss(config)(logits, LABELS).item() == pytest.approx(expected.item(), rel=1e-5)


def test_focal_loss_looks_away_from_what_is_known() -> None:
    sure, unsure = focal(torch.tensor([[6.0, 0.0], [0.5, 0.0]]), torch.tensor([0, 0]), gamma=2.0)
    plain = cross_entropy(torch.tensor([[6.0, 0.0], [0.5, 0.0]]), torch.tensor([0, 0]), reduction="none")
    assert sure / plain[0] < 1e-4 < unsure / plain[1]


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0])
def test_the_slope_of_a_certain_answer_is_finite(gamma: float) -> None:
    logits = torch.tensor([[200.0, 0.0, 0.0, 0.0], [0.0, 200.0, 0.0, 0.0]], requires_grad=True)
    focal(logits, torch.tensor([0, 0]), gamma, label_smoothing=0.1).sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(("kind", "weights"), list(product(KINDS, WEIGHTS)))
def test_every_loss_takes_mixed_labels(kind: str, weights: str, logits: torch.Tensor) -> None:
    loss = build_loss(LossConfig(kind=kind, class_weights=weights, label_smoothing=0.1), COUNTS)
    whole = loss(logits, LABELS)
    assert loss(logits, one_hot(LABELS, 4).float()).item() == pytest.approx(whole.item(), rel=1e-5)
    mixed = loss(logits, 0.7 * one_hot(LABELS, 4) + 0.3 * one_hot(LABELS.flip(0), 4))
    mixed.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(("kind", "weights"), list(product(KINDS, WEIGHTS)))
def test_every_loss_is_a_mean_over_images(kind: str, weights: str, logits: torch.Tensor) -> None:
    loss = build_loss(LossConfig(kind=kind, class_weights=weights), COUNTS)
    parts = (loss(logits[:4], LABELS[:4]) * 4 + loss(logits[4:], LABELS[4:]) * 2) / 6
    assert parts.item() == pytest.approx(loss(logits, LABELS).item(), rel=1e-5)


def test_over_all_training_images_the_weighted_loss_is_torchs() -> None:
    torch.manual_seed(0)
    labels = torch.arange(4).repeat_interleave(torch.tensor(COUNTS))
    logits = torch.randn(len(labels), 4)
    config = LossConfig(class_weights="inverse")
    weights = class_weights(config, COUNTS)
    assert build_loss(config, COUNTS)(logits, labels).item() == pytest.approx(
        cross_entropy(logits, labels, weight=weights).item(), rel=1e-5
    )


def weights_of(config: LossConfig) -> list[float]:
    weights = class_weights(config, COUNTS)
    assert weights is not None
    return [float(weight) for weight in weights]


def test_inverse_weights_make_classes_equal() -> None:
    shares = [
        weight * count for weight, count in zip(weights_of(LossConfig(class_weights="inverse")), COUNTS, strict=True)
    ]
    assert shares == pytest.approx([sum(COUNTS) / 4] * 4)


def test_effective_weights_are_the_papers() -> None:
    beta = 0.9
    found = weights_of(LossConfig(class_weights="effective", effective_beta=beta))
    numbers = [(1 - beta**count) / (1 - beta) for count in COUNTS]
    assert [weight / found[-1] for weight in found] == pytest.approx([numbers[-1] / number for number in numbers])
    assert sum(weight * count for weight, count in zip(found, COUNTS, strict=True)) == pytest.approx(sum(COUNTS))


def test_effective_weights_lie_between_none_and_inverse() -> None:
    assert weights_of(LossConfig(class_weights="effective", effective_beta=0.0)) == pytest.approx([1.0] * 4)
    near = weights_of(LossConfig(class_weights="effective", effective_beta=1 - 1e-9))
    assert near == pytest.approx(weights_of(LossConfig(class_weights="inverse")), rel=1e-4)


def test_a_class_without_training_images_has_a_weight() -> None:
    weights = class_weights(LossConfig(class_weights="inverse"), (10, 0))
    assert weights is not None
    assert weights.isfinite().all()
