"""Every augmentation, run over the registry: off by default, different for each image, the same for the same seed."""

from collections.abc import Callable

import pytest
import torch
from hpo.training.augment.config import AugmentConfig
from hpo.training.augment.pipeline import AUGMENTATIONS, MIX
from hpo.training.data.batches import EvalBatches
from hpo.training.data.pack import Split

from .conftest import CLASSES, EVERYTHING, EXAMPLES, MEAN, STD, Make

CUDA = pytest.param("cuda", marks=pytest.mark.cuda)
DEVICES = ["cpu", CUDA]
COLOUR_ONLY = {"colour/saturation", "colour/hue"}
SplitOf = Callable[..., Split]
Batch = tuple[torch.Tensor, torch.Tensor]


def same(left: list[Batch], right: list[Batch]) -> bool:
    return all(torch.equal(a, b) for pair in zip(left, right, strict=True) for a, b in zip(*pair, strict=True))


def test_every_augmentation_and_every_field_has_an_example() -> None:
    assert {name.split("/")[0] for name in EXAMPLES} == {*AUGMENTATIONS, MIX}
    assert set(EVERYTHING) == set(AugmentConfig.model_fields)


def test_nothing_is_on_by_default() -> None:
    assert all(entry.build(AugmentConfig()) is None for entry in AUGMENTATIONS.values())


@pytest.mark.parametrize("name", [name for name in EXAMPLES if not name.startswith("mix")])
def test_an_example_turns_on_its_own_augmentation_alone(name: str) -> None:
    config = AugmentConfig.model_validate(EXAMPLES[name])
    on = [other for other, entry in AUGMENTATIONS.items() if entry.build(config) is not None]
    assert on == [name.split("/")[0]]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", [*EXAMPLES, "everything"])
def test_the_form_of_a_batch(name: str, channels: int, device: str, split_of: SplitOf, batches_of: Make) -> None:
    config = EXAMPLES.get(name, EVERYTHING)
    seen = list(batches_of(split_of(channels=channels), config, device=device).epoch(1))
    assert [len(labels) for _, labels in seen] == [16, 16, 8]
    for images, labels in seen:
        assert images.shape[1:] == (channels, 16, 16)
        assert images.dtype == torch.float32
        assert images.isfinite().all()
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert images.device.type == labels.device.type == device
        if "mixup" in config or "cutmix" in config:
            assert labels.shape == (len(images), CLASSES)
            torch.testing.assert_close(labels.sum(dim=1).cpu(), torch.ones(len(images)))
        else:
            assert labels.dtype == torch.int64


def test_another_type(split_of: SplitOf, batches_of: Make) -> None:
    images, labels = next(iter(batches_of(split_of(), EVERYTHING, dtype=torch.bfloat16).epoch(1)))
    assert images.dtype == torch.bfloat16
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert labels.dtype == torch.float32


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_image_of_a_batch_is_changed_in_its_own_way(name: str, split_of: SplitOf, batches_of: Make) -> None:
    """The same image over and over comes out in several versions; mixing needs images that differ."""
    mixed = name.startswith("mix")
    split = split_of(16, alike=not mixed)
    [(images, labels)] = batches_of(split, EXAMPLES[name]).epoch(1)
    versions = labels.amax(dim=1) if mixed else images.flatten(1)
    different = len(torch.unique(versions, dim=0))
    assert different >= (2 if name.startswith("flip") else 6)


@pytest.mark.parametrize("name", EXAMPLES)
def test_grey_images_are_changed_too(name: str, split_of: SplitOf, batches_of: Make) -> None:
    split = split_of(channels=1)
    changed = list(batches_of(split, EXAMPLES[name]).epoch(1))
    plain = list(batches_of(split, {}).epoch(1))
    gone = [torch.allclose(a[0], b[0], atol=1e-5) for a, b in zip(changed, plain, strict=True)]
    assert all(gone) == (name in COLOUR_ONLY)  # there is no colour in grey


@pytest.mark.parametrize("name", EXAMPLES)
def test_seed_and_epoch_decide_everything(name: str, split_of: SplitOf, batches_of: Make) -> None:
    split, config = split_of(), EXAMPLES[name]
    went_on = batches_of(split, config)
    epochs = [list(went_on.epoch(number)) for number in (1, 2, 3)]
    assert same(epochs[2], list(batches_of(split, config).epoch(3)))  # as a resumed run has it
    assert not same(epochs[1], epochs[2])
    assert not same(epochs[2], list(batches_of(split, config, seed=1).epoch(3)))


@pytest.mark.parametrize("name", [*EXAMPLES, "everything"])
@pytest.mark.cuda
def test_the_device_decides_nothing(name: str, split_of: SplitOf, batches_of: Make) -> None:
    config = EXAMPLES.get(name, EVERYTHING)
    there, here = (list(batches_of(split_of(), config, device=device).epoch(2)) for device in ("cuda", "cpu"))
    for (images, labels), (other_images, other_labels) in zip(there, here, strict=True):
        torch.testing.assert_close(labels.cpu(), other_labels)
        off = (images.cpu() - other_images).abs() > 0.1  # a level of 255 may round the other way
        assert off.float().mean() < 1e-3


def test_one_augmentation_does_not_change_what_another_draws(split_of: SplitOf, batches_of: Make) -> None:
    """Black images show a hole and nothing else."""
    split = split_of()
    alone = next(iter(batches_of(split, {"cutout": 5}).epoch(1)))[0]
    beside = next(iter(batches_of(split, {"cutout": 5, "flip": True, "brightness": 0.5}).epoch(1)))[0]
    assert torch.equal((alone == 0).all(dim=1), (beside == 0).all(dim=1))


def test_evaluation_is_never_augmented(split_of: SplitOf) -> None:
    split = split_of(20)
    evaluation = EvalBatches(split, mean=MEAN, std=STD, batch_size=20, device="cpu")
    [(images, labels)] = evaluation
    expected = torch.from_numpy(split.images.copy()).permute(0, 3, 1, 2) / 255
    expected = (expected - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    torch.testing.assert_close(images, expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(labels, torch.from_numpy(split.labels))


def test_alternating_flips_show_both_sides_in_two_epochs(split_of: SplitOf, batches_of: Make) -> None:
    split = split_of()
    batches = batches_of(split, {"flip": True, "alternate_flip": True})
    plain = batches_of(split, {})
    first = {}
    for epoch in (1, 2, 3):
        mirrored = torch.zeros(40, dtype=torch.bool)
        pairs = zip(batches.epoch(epoch), plain.epoch(epoch), strict=True)
        order = torch.from_numpy(__import__("numpy").random.default_rng([0, epoch]).permutation(40))
        flags = [(a != b).flatten(1).any(dim=1) for (a, _), (b, _) in pairs]
        mirrored[order] = torch.cat(flags)
        first.setdefault("one", mirrored)
        assert torch.equal(mirrored, first["one"] if epoch % 2 else ~first["one"])
    assert 8 < int(first["one"].sum()) < 32


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_batch_of_one_image_and_images_of_one_pixel(name: str, batches_of: Make) -> None:
    import numpy as np

    split = Split(np.full((1, 1, 1, 3), 90, np.uint8), np.zeros(1, np.int64), np.zeros(1, np.int64))
    [(images, _)] = batches_of(split, EXAMPLES[name]).epoch(1)
    assert images.isfinite().all()
