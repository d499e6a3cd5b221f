"""Which images an epoch shows, and how often."""

from typing import get_args

import numpy as np
import pytest
from hpo.training.augment.config import AugmentConfig
from hpo.training.data.batches import TrainBatches
from hpo.training.data.pack import Split
from hpo.training.losses.config import SamplingConfig
from hpo.training.losses.sampling import build_order

LABELS = np.repeat(np.arange(3), [600, 60, 6])
DRAWN = [method for method in get_args(SamplingConfig.model_fields["method"].annotation) if method != "shuffle"]


def shares(config: SamplingConfig, epochs: int = 5) -> list[float]:
    order = build_order(config, LABELS, seed=0)
    assert order is not None
    shown = np.concatenate([order(epoch) for epoch in range(epochs)])
    return list(np.bincount(LABELS[shown]) / len(shown))


def test_shuffling_is_left_to_the_batches() -> None:
    assert build_order(SamplingConfig(), LABELS, seed=0) is None


@pytest.mark.parametrize(
    ("balance", "expected"),
    [(1.0, [1 / 3] * 3), (0.0, [0.901, 0.090, 0.009]), (0.5, [0.706, 0.223, 0.071])],
)
def test_weighted_shares(balance: float, expected: list[float]) -> None:
    assert shares(SamplingConfig(method="weighted", balance=balance)) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(("ratio", "counts"), [(1.0, [6, 6, 6]), (2.5, [15, 15, 6]), (50.0, [300, 60, 6])])
def test_undersampling_keeps_the_rare_and_others_of_the_rest(ratio: float, counts: list[int]) -> None:
    order = build_order(SamplingConfig(method="undersample", ratio=ratio), LABELS, seed=0)
    assert order is not None
    first, second = order(1), order(2)
    assert list(np.bincount(LABELS[first])) == counts
    assert len(order) == len(first) == len(set(first.tolist()))
    rare = set(np.flatnonzero(LABELS == 2).tolist())
    assert rare <= set(first.tolist())
    assert set(first.tolist()) != set(second.tolist())


@pytest.mark.parametrize("method", DRAWN)
def test_an_epoch_depends_on_seed_and_number_alone(method: str) -> None:
    config = SamplingConfig(method=method)
    orders = [build_order(config, LABELS, seed) for seed in (1, 1, 2)]
    shown = [[tuple(order(epoch)) for epoch in (3, 1, 3)] for order in orders if order is not None]
    assert shown[0] == shown[1]
    assert shown[0][0] == shown[0][2] != shown[0][1]
    assert shown[0] != shown[2]


@pytest.mark.parametrize("method", DRAWN)
def test_the_batches_show_what_the_order_says(method: str) -> None:
    images = np.arange(len(LABELS), dtype=np.int64)
    pixels = np.stack([images // 256, images % 256], axis=1).astype(np.uint8).reshape(-1, 1, 1, 2)
    order = build_order(SamplingConfig(method=method), LABELS, seed=0)
    assert order is not None
    batches = TrainBatches(
        Split(pixels, LABELS, images),
        mean=(0.0, 0.0),
        std=(1 / 255, 1 / 255),
        batch_size=7,
        augment=AugmentConfig(),
        classes=10,
        device="cpu",
        seed=0,
        order=order,
    )
    shown, labels = [], []
    for x, y in batches.epoch(4):
        shown += (x[:, 0, 0, 0].round() * 256 + x[:, 1, 0, 0].round()).int().tolist()
        labels += y.tolist()
    left_out = len(order) % 7 == 1
    assert shown == list(order(4))[: len(order) - left_out]
    assert labels == LABELS[shown].tolist()
    assert batches.steps == len(range(0, len(order), 7)) - left_out
