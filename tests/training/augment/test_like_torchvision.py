"""On the same parameters every augmentation does to each image of a batch what torchvision does to it alone."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hpo.training.augment import colour, crop, erase, flip, geometry, mix
from hpo.training.augment.change import Stage
from hpo.training.augment.config import AugmentConfig
from hpo.training.augment.operations import OPERATIONS
from hpo.training.augment.pipeline import AUGMENTATIONS
from hpo.training.augment.policy import Strength
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional

BILINEAR = InterpolationMode.BILINEAR
COUNT = 24


@pytest.fixture(params=[1, 3], ids=["grey", "colour"])
def pixels(request: pytest.FixtureRequest) -> Tensor:
    """uint8 [B, C, H, W], of other height than width, with flat, black and white images among them."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (COUNT, request.param, 18, 14), dtype=np.uint8)
    images[0], images[1], images[2] = 0, 255, 77
    images[3] = images[3] // 4 + 90
    return torch.from_numpy(images)


@pytest.fixture
def light(pixels: Tensor) -> Tensor:
    return pixels / 255


def uniform(low: float, high: float, seed: int = 1) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).uniform(low, high, COUNT).astype(np.float32))


def one_by_one(images: Tensor, change: Callable[[int, Tensor], Tensor]) -> Tensor:
    return torch.stack([change(number, image) for number, image in enumerate(images)])


@pytest.mark.parametrize("padding", [1, 4, 20])
def test_crop(padding: int, pixels: Tensor) -> None:
    random = np.random.default_rng(1)
    down, right = (torch.from_numpy(random.integers(0, 2 * padding + 1, COUNT)) for _ in range(2))
    down[:2], right[:2] = torch.tensor([0, 2 * padding]), torch.tensor([2 * padding, 0])
    ours = crop.crop(pixels.permute(0, 2, 3, 1).contiguous(), padding, down, right).permute(0, 3, 1, 2)
    theirs = one_by_one(
        pixels, lambda n, image: functional.crop(functional.pad(image, [padding]), int(down[n]), int(right[n]), 18, 14)
    )
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("kind", ["uint8", "float"])
def test_flip(kind: str, pixels: Tensor) -> None:
    images = pixels if kind == "uint8" else pixels / 255
    mirror = torch.arange(COUNT) % 3 == 0
    ours = flip.flip(images.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format), mirror).permute(
        0, 3, 1, 2
    )
    assert torch.equal(ours, one_by_one(images, lambda n, image: functional.hflip(image) if mirror[n] else image))


def test_affine(light: Tensor) -> None:
    angle, zoom = uniform(-180, 180), uniform(0.5, 1.5, 2)
    shift = tuple(uniform(-5, 5, seed).round() for seed in (3, 4))  # torchvision takes whole pixels alone
    shear = uniform(-40, 40, 5), uniform(-40, 40, 6)
    ours = geometry.resample(light, geometry.affine(angle, (shift[0], shift[1]), zoom, shear))
    theirs = one_by_one(
        light,
        lambda n, image: functional.affine(
            image,
            angle=float(angle[n]),
            translate=[float(shift[0][n]), float(shift[1][n])],
            scale=float(zoom[n]),
            shear=[float(shear[0][n]), float(shear[1][n])],
            interpolation=BILINEAR,
        ),
    )
    torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-4)


def test_a_stretched_crop(light: Tensor) -> None:
    """Inside; at its edge torchvision knows no neighbour, ours sees the next pixel of the image."""
    random = np.random.default_rng(2)
    height, width = (torch.from_numpy(random.integers(5, side + 1, COUNT)) for side in (18, 14))
    top, left = 18 - height - (18 - height) // 2, (14 - width) // 2
    maps = geometry.window(*(value.float() for value in (top, left, height, width)), (18, 14))
    ours = geometry.resample(light, maps, "border")
    theirs = one_by_one(
        light,
        lambda n, image: functional.resized_crop(
            image, int(top[n]), int(left[n]), int(height[n]), int(width[n]), [18, 14], BILINEAR, antialias=False
        ),
    )
    torch.testing.assert_close(ours[..., 3:-3, 3:-3], theirs[..., 3:-3, 3:-3], rtol=0, atol=1e-4)


def test_crop_and_affine_in_one_interpolation_are_one_after_the_other(light: Tensor) -> None:
    smooth = torch.nn.functional.interpolate(light[:, :, :4, :4], (18, 14), mode="bicubic", align_corners=True)
    first = geometry.window(*(torch.full((COUNT,), value) for value in (2.0, 3.0, 12.0, 9.0)), (18, 14))
    zero = torch.zeros(COUNT)
    then = geometry.affine(uniform(-20, 20), (zero, zero), torch.ones(COUNT), (zero, zero))
    at_once = geometry.resample(smooth, geometry.after(first, then))
    in_turn = geometry.resample(geometry.resample(smooth, first, "border"), then)
    torch.testing.assert_close(at_once[..., 6:-6, 5:-5], in_turn[..., 6:-6, 5:-5], rtol=0, atol=0.02)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_colour(name: str, light: Tensor) -> None:
    factor = uniform(-0.5, 0.5) if name == "hue" else uniform(0, 2)
    ours = getattr(colour, f"adjust_{name}")(light.clone(), factor)
    theirs = one_by_one(light, lambda n, image: getattr(functional, f"adjust_{name}")(image, float(factor[n])))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-5)


def test_erase(light: Tensor) -> None:
    random = np.random.default_rng(3)
    top, left = (torch.from_numpy(random.integers(0, side - 4, COUNT)) for side in (18, 14))
    bottom, right = (start + torch.from_numpy(random.integers(1, 5, COUNT)) for start in (top, left))
    ours = erase.blank(light.clone(), erase.inside((top, left, bottom, right), light))
    theirs = one_by_one(
        light,
        lambda n, image: functional.erase(
            image, int(top[n]), int(left[n]), int(bottom[n] - top[n]), int(right[n] - left[n]), torch.zeros(1, 1, 1)
        ),
    )
    assert torch.equal(ours, theirs)


def test_mixup(light: Tensor) -> None:
    labels = torch.arange(COUNT) % 5
    theirs = v2.MixUp(num_classes=5)
    given = {"labels": labels, "batch_size": COUNT, "lam": 0.3}
    ours = mix.mixup(light, light.roll(1, 0), torch.full((COUNT,), 0.3))
    torch.testing.assert_close(ours, theirs.transform(light, given))


def test_cutmix(light: Tensor) -> None:
    theirs = v2.CutMix(num_classes=5)
    torch.manual_seed(0)
    labels = torch.arange(COUNT) % 5
    for _ in range(5):
        params = theirs.make_params([light])
        given = {"labels": labels, "batch_size": COUNT, **params}
        left, top, right, bottom = (torch.full((COUNT,), int(edge)) for edge in params["box"])
        boxes = mix.clipped((top, left, bottom, right), light)
        assert torch.equal(mix.cutmix(light, light.roll(1, 0), boxes), theirs.transform(light, given))
        kept = mix.kept_outside(boxes, light)
        torch.testing.assert_close(kept, torch.full((COUNT,), params["lam_adjusted"], dtype=kept.dtype))


THEIRS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "identity": lambda image, m: image,
    "shear_x": lambda image, m: sheared(image, [math.degrees(math.atan(m)), 0.0]),
    "shear_y": lambda image, m: sheared(image, [0.0, math.degrees(math.atan(m))]),
    "translate_x": lambda image, m: translated(image, [int(m), 0]),
    "translate_y": lambda image, m: translated(image, [0, int(m)]),
    "rotate": lambda image, m: functional.rotate(image, m, interpolation=BILINEAR),
    "brightness": lambda image, m: functional.adjust_brightness(image, 1 + m),
    "colour": lambda image, m: functional.adjust_saturation(image, 1 + m),
    "contrast": lambda image, m: functional.adjust_contrast(image, 1 + m),
    "sharpness": lambda image, m: functional.adjust_sharpness(image, 1 + m),
    "posterize": lambda image, m: functional.posterize(image, int(m)),
    "solarize": lambda image, m: functional.solarize(image, 255 * m),
    "autocontrast": lambda image, m: functional.autocontrast(image),
    "equalize": lambda image, m: functional.equalize(image),
}


def sheared(image: Tensor, shear: list[float]) -> Tensor:
    return functional.affine(
        image, angle=0.0, translate=[0, 0], scale=1.0, shear=shear, interpolation=BILINEAR, center=[0, 0]
    )


def translated(image: Tensor, shift: list[int]) -> Tensor:
    return functional.affine(image, angle=0.0, translate=shift, scale=1.0, shear=[0.0, 0.0], interpolation=BILINEAR)


@pytest.mark.parametrize("strength", ["wide", "usual"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_of_the_policies(name: str, strength: str, pixels: Tensor) -> None:
    random = np.random.default_rng(4)
    level, sign = np.append(random.random(COUNT - 2), [0.0, 1.0]), np.where(random.random(COUNT) < 0.5, -1.0, 1.0)
    found = getattr(Strength, strength)(pixels.shape[-1]).magnitudes(name, level, sign).astype(np.float32)
    ours = OPERATIONS[name](pixels.clone(), torch.from_numpy(found))
    theirs = one_by_one(pixels, lambda n, image: THEIRS[name](image, float(found[n])))
    off = (ours.int() - theirs.int()).abs()
    assert off.max() <= 1  # a level of 255: a float that fell on the other side of a whole number
    assert (off > 0).float().mean() < 0.05  # one of the 24 is flat: such a float is then off everywhere


def test_the_magnitudes_are_torchvisions() -> None:
    theirs = {"wide": v2.TrivialAugmentWide(), "usual": v2.RandAugment()}
    names = {"shear_x": "ShearX", "translate_y": "TranslateY", "rotate": "Rotate", "colour": "Color"}
    names |= {"contrast": "Contrast", "posterize": "Posterize", "solarize": "Solarize"}
    level, sign = np.arange(31) / 30, np.ones(31)
    for strength, transform in theirs.items():
        for ours, name in names.items():
            wanted = transform._AUGMENTATION_SPACE[name][0](31, 224, 224)
            found = getattr(Strength, strength)(224).magnitudes(ours, level, sign)
            assert found == pytest.approx(np.asarray(wanted, dtype=float), abs=1e-4), (strength, name)
        operations = set(transform._AUGMENTATION_SPACE)
        assert len(operations) == len(OPERATIONS)


def test_every_augmentation_is_compared_here() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    named = {"policy": "operations_of_the_policies", "geometry": "affine", "cutout": "erase"}
    assert {named.get(name, name) for name in AUGMENTATIONS} <= tested
    assert AUGMENTATIONS["policy"].stage is Stage.BYTES
    assert AugmentConfig().policy == "none"
