"""Batches: as torchvision would make them one by one, the same for the same (seed, epoch), every image once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hpo.training.augment.config import AugmentConfig
from hpo.training.data import reader
from hpo.training.data.batches import EvalBatches, TrainBatches
from hpo.training.data.pack import Pack, Split
from torchvision.transforms import functional

CUDA = pytest.param("cuda", marks=pytest.mark.cuda)
DEVICES = ["cpu", CUDA]
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def split(count: int = 50, height: int = 12, width: int = 9, channels: int = 3) -> Split:
    """Random images whose label is their row."""
    images = np.random.default_rng(0).integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    images.flags.writeable = False  # as a pack's
    return Split(images, np.arange(count), np.arange(count))


def train(data: Split, *, device: str = "cpu", seed: int = 0, batch_size: int = 16, **augment: object) -> TrainBatches:
    channels = data.images.shape[3]
    return TrainBatches(
        data,
        mean=MEAN[:channels],
        std=STD[:channels],
        batch_size=batch_size,
        augment=AugmentConfig.model_validate(augment),
        classes=50,
        device=device,
        seed=seed,
    )


def normalised(images: np.ndarray) -> torch.Tensor:
    """[N, H, W, C] as torchvision makes it: to_tensor, then normalize."""
    count = images.shape[3]
    return torch.stack([functional.normalize(functional.to_tensor(one), MEAN[:count], STD[:count]) for one in images])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("channels", [1, 3])
def test_eval_gives_everything_in_order_as_torchvision_normalises(device: str, channels: int) -> None:
    data = split(channels=channels)
    evaluation = EvalBatches(data, mean=MEAN[:channels], std=STD[:channels], batch_size=16, device=device)
    for _ in range(2):
        seen = list(evaluation)
        assert [len(labels) for _, labels in seen] == [16, 16, 16, 2]
        assert torch.equal(torch.cat([labels for _, labels in seen]).cpu(), torch.arange(50))
        ours = torch.cat([images for images, _ in seen]).cpu()
        torch.testing.assert_close(ours, normalised(data.images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
def test_every_image_once_per_epoch_in_another_order(device: str) -> None:
    batches, data = train(split(), device=device), split()
    orders = []
    for epoch in range(3):
        seen = list(batches.epoch(epoch))
        assert len(seen) == batches.steps == 4
        labels = torch.cat([labels for _, labels in seen]).cpu()
        assert sorted(labels.tolist()) == list(range(50))
        ours = torch.cat([images for images, _ in seen]).cpu()
        torch.testing.assert_close(ours, normalised(data.images[labels]), rtol=1e-5, atol=1e-5)
        orders.append(labels.tolist())
    assert orders[0] != orders[1] != orders[2]


@pytest.mark.parametrize("device", DEVICES)
def test_seed_and_epoch_decide_everything(device: str) -> None:
    def epoch(seed: int, number: int, on: str = device) -> list[tuple[torch.Tensor, torch.Tensor]]:
        batches = train(split(), device=on, seed=seed, crop_padding=3, flip=True)
        return [(images.cpu(), labels.cpu()) for images, labels in batches.epoch(number)]

    went_on = train(split(), device=device, crop_padding=3, flip=True)
    for number in range(4):
        last = [(images.cpu(), labels.cpu()) for images, labels in went_on.epoch(number)]
    for ours, again, cpu in zip(epoch(0, 3), last, epoch(0, 3, "cpu"), strict=True):
        assert torch.equal(ours[0], again[0])
        assert torch.equal(ours[1], again[1])
        assert torch.equal(ours[1], cpu[1])
        torch.testing.assert_close(ours[0], cpu[0])  # the device decides nothing but the last bit
    assert not torch.equal(epoch(0, 3)[0][1], epoch(1, 3)[0][1])
    assert not torch.equal(epoch(0, 3)[0][1], epoch(0, 2)[0][1])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("augment", [{}, {"crop_padding": 2, "flip": True}])
def test_shape_type_and_memory(device: str, channels: int, augment: dict[str, object]) -> None:
    images, labels = next(iter(train(split(channels=channels), device=device, **augment).epoch(0)))
    assert images.shape == (16, channels, 12, 9)
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert images.device.type == labels.device.type == device
    assert labels.dtype == torch.int64


def test_another_dtype(digits_pack: Path) -> None:
    pack = Pack.open(digits_pack)
    batches = TrainBatches(
        pack.train,
        mean=pack.mean,
        std=pack.std,
        batch_size=8,
        augment=AugmentConfig(),
        classes=50,
        device="cpu",
        seed=0,
        dtype=torch.bfloat16,
    )
    images, _ = next(iter(batches.epoch(0)))
    assert images.dtype == torch.bfloat16
    assert images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"),
    [
        (50, 16, [16, 16, 16, 2]),
        (49, 16, [16, 16, 16]),
        (48, 16, [16, 16, 16]),
        (5, 16, [5]),
        (1, 16, [1]),
        (3, 1, [1] * 3),
    ],
)
def test_the_last_batch(count: int, batch_size: int, sizes: list[int]) -> None:
    batches = train(split(count), batch_size=batch_size)
    assert [len(labels) for _, labels in batches.epoch(0)] == sizes
    assert batches.steps == len(sizes)


def test_training_images_come_out_with_mean_0_and_deviation_1(digits_pack: Path) -> None:
    pack = Pack.open(digits_pack)
    batches = EvalBatches(pack.train, mean=pack.mean, std=pack.std, batch_size=500, device="cpu")
    images = torch.cat([images for images, _ in batches])
    assert float(images.mean()) == pytest.approx(0, abs=1e-5)
    assert float(images.std()) == pytest.approx(1, abs=1e-3)


def test_half_are_mirrored_and_corners_are_spread_evenly() -> None:
    ramp = np.tile(np.arange(1, 10, dtype=np.uint8), (4000, 9, 1))[..., None]  # value tells the column
    data = Split(ramp, np.zeros(4000, np.int64), np.arange(4000))
    plain = TrainBatches(
        data,
        mean=[0.0],
        std=[1 / 255],
        batch_size=500,
        augment=AugmentConfig(crop_padding=1, flip=True),
        classes=50,
        device="cpu",
        seed=0,
    )
    centres = torch.cat([images for images, _ in plain.epoch(0)])[:, 0, 4, 3:6]
    mirrored = (centres[:, 0] > centres[:, 2]).float().mean()
    assert float(mirrored) == pytest.approx(0.5, abs=0.04)
    shifts = torch.bincount(centres[:, 1].round().long(), minlength=7)[4:7] / 4000
    assert shifts.tolist() == pytest.approx([1 / 3] * 3, abs=0.04)


def test_a_constant_channel_stays_finite() -> None:
    data = Split(np.full((4, 5, 5, 1), 255, np.uint8), np.zeros(4, np.int64), np.arange(4))
    evaluation = EvalBatches(data, mean=[1.0], std=[0.0], batch_size=4, device="cpu")
    assert all(images.isfinite().all() for images, _ in evaluation)


def test_batches_may_be_kept(tmp_path: Path) -> None:
    kept = [images for images, _ in train(split(), crop_padding=2, flip=True).epoch(0)]
    fresh = (images.clone() for images, _ in train(split(), crop_padding=2, flip=True).epoch(0))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(kept, fresh, strict=True))


@pytest.mark.cuda
def test_a_split_too_large_for_the_device_is_staged(monkeypatch: pytest.MonkeyPatch) -> None:
    resident = list(train(split(), device="cuda", crop_padding=2, flip=True).epoch(0))
    monkeypatch.setattr(reader, "_SHARE_OF_FREE_MEMORY", 0.0)
    staged = list(train(split(), device="cuda", crop_padding=2, flip=True).epoch(0))
    for (images, labels), (other_images, other_labels) in zip(resident, staged, strict=True):
        assert torch.equal(images, other_images)
        assert torch.equal(labels, other_labels)
