"""Mixed images carry mixed labels, through losses, class weights, micro-batches and the meter."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Split
from hpo.training.loop.learner import Learner
from hpo.training.loop.meter import Meter
from hpo.training.losses.config import LossConfig
from hpo.training.losses.loss import build_loss
from hpo.training.models.build import build_model
from torch.nn.functional import one_hot

from .conftest import CLASSES, Make

MIXES = {"mixup": {"mixup": 1.0}, "cutmix": {"cutmix": 1.0}, "both": {"mixup": 1.0, "cutmix": 1.0}}
LOSSES = {
    "plain": {},
    "smoothed": {"label_smoothing": 0.1},
    "focal": {"kind": "focal"},
    "weighted": {"class_weights": "inverse", "label_smoothing": 0.1},
    "weighted focal": {"kind": "focal", "class_weights": "effective"},
}


@pytest.mark.parametrize("name", MIXES)
def test_the_label_says_what_is_in_the_image(name: str, batches_of: Make) -> None:
    """Images whose every pixel is their label: the mean of a mixed one is the mean of its mixed label."""
    labels = np.arange(64) % CLASSES
    images = np.broadcast_to(labels[:, None, None, None] * 30, (64, 16, 16, 3)).astype(np.uint8)
    seen = []
    for x, y in batches_of(Split(images, labels, labels), MIXES[name]).epoch(1):
        light = x * torch.tensor([0.2, 0.25, 0.3])[:, None, None] + torch.tensor([0.4, 0.5, 0.6])[:, None, None]
        value = light.mean(dim=(1, 2, 3)) * 255 / 30
        torch.testing.assert_close(value, y @ torch.arange(CLASSES, dtype=torch.float32), rtol=0, atol=1e-3)
        seen.append(y)
    mixed = (torch.cat(seen).amax(dim=1) < 0.999).float().mean()
    assert mixed > 0.5  # some partners are of the same class, and some boxes are empty


def test_the_share_of_mixed_images(split_of: Callable[..., Split], batches_of: Make) -> None:
    batches = batches_of(split_of(400), {"mixup": 1.0, "mix_share": 0.25})
    labels = torch.cat([labels for _, labels in batches.epoch(1)])
    assert float((labels.amax(dim=1) < 1).float().mean()) == pytest.approx(0.25 * 6 / 7, abs=0.07)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_whole_labels_is_that_of_numbers(name: str) -> None:
    loss = build_loss(LossConfig.model_validate(LOSSES[name]), counts=[5, 10, 20])
    logits, labels = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 3
    torch.testing.assert_close(loss(logits, one_hot(labels, 3).float()), loss(logits, labels))


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_mixed_labels_lies_on_the_line_between(name: str) -> None:
    """Without weights it is the mean of the two losses; a weight is that of the mixture."""
    loss = build_loss(LossConfig.model_validate(LOSSES[name]), counts=[5, 10, 20])
    logits = torch.randn(1, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[0.3, 0.7, 0.0]])
    between = loss(logits, labels)
    ends = [loss(logits, one_hot(torch.tensor([number]), 3).float()) for number in (0, 1)]
    if "class_weights" not in LOSSES[name]:
        torch.testing.assert_close(between, 0.3 * ends[0] + 0.7 * ends[1])
    assert min(ends) - 1e-6 <= between <= max(ends) + 1e-6 or "class_weights" in LOSSES[name]


def test_weights_of_mixed_labels_keep_their_digits_in_mixed_precision() -> None:
    loss = build_loss(LossConfig(class_weights="inverse"), counts=[3, 7, 1000])
    logits, labels = torch.zeros(4, 3), torch.full((4, 3), 1 / 3)
    with torch.autocast("cpu", torch.bfloat16):
        half = loss(logits, labels)
    torch.testing.assert_close(half, loss(logits, labels))


@pytest.mark.parametrize("name", LOSSES)
def test_micro_batches_of_mixed_images_add_up(name: str, split_of: Callable[..., Split], batches_of: Make) -> None:
    """Pairs are made across the whole batch, before it is parted."""
    images, labels = next(iter(batches_of(split_of(), MIXES["both"]).epoch(1)))
    weights = []
    for micro_batch in (None, 5):
        config = TrialConfig.model_validate(
            {
                "model": {"name": "simple_cnn", "width": 4, "dropout": 0.0},
                "optimizer": {"name": "sgd", "lr": 0.1},
                "loss": LOSSES[name],
                "memory": {"micro_batch": micro_batch},
                "precision": {"dtype": "fp32"},
            }
        )
        torch.manual_seed(0)
        model = build_model(config.model, num_classes=CLASSES, in_channels=3, image_size=16)
        model.eval()  # batch norm sees the micro-batch
        learner = Learner(config, model, torch.device("cpu"), tuple(range(1, CLASSES + 1)))
        learner.step(images, labels, lr=0.1)
        weights.append(torch.cat([p.detach().flatten() for p in learner.model.parameters()]))
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-4, atol=1e-5)


def test_train_accuracy_counts_the_larger_part() -> None:
    meter = Meter(torch.device("cpu"))
    labels = torch.tensor([[0.6, 0.4], [0.1, 0.9]])
    meter.add(torch.tensor(1.0), torch.tensor([[2.0, 1.0], [2.0, 1.0]]), labels, torch.tensor(1.0))
    assert meter.read()["train_accuracy"] == 0.5
