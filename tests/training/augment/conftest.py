"""What the tests of augmentation share: an example of each, and images to change."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hpo.training.augment.config import AugmentConfig
from hpo.training.data.batches import TrainBatches
from hpo.training.data.pack import Split

# Each augmentation by itself, in every variant that takes another path: name of the augmentation, a slash, the variant.
EXAMPLES: dict[str, dict[str, Any]] = {
    "crop": {"crop_padding": 3},
    "flip": {"flip": True},
    "flip/alternate": {"flip": True, "alternate_flip": True},
    "policy/trivial": {"policy": "trivial"},
    "policy/rand": {"policy": "rand", "rand_operations": 3, "rand_magnitude": 12},
    "geometry/area": {"crop_area": 0.3},
    "geometry/rotation": {"rotation": 30.0},
    "geometry/translate": {"translate": 0.2},
    "geometry/scale": {"scale": 0.3},
    "geometry/shear": {"shear": 20.0},
    "geometry/all": {"crop_area": 0.5, "rotation": 15.0, "translate": 0.1, "scale": 0.2, "shear": 5.0},
    "colour/brightness": {"brightness": 0.4},
    "colour/contrast": {"contrast": 0.4},
    "colour/saturation": {"saturation": 0.4},
    "colour/hue": {"hue": 0.2},
    "colour/all": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1},
    "erase": {"erase": 0.7},
    "cutout": {"cutout": 5},
    "mix/mixup": {"mixup": 0.4},
    "mix/cutmix": {"cutmix": 1.0},
    "mix/both": {"mixup": 0.4, "cutmix": 1.0, "mix_share": 0.8},
}
EVERYTHING: dict[str, Any] = {key: value for example in EXAMPLES.values() for key, value in example.items()}

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
CLASSES = 7

Make = Callable[..., TrainBatches]


@pytest.fixture
def split_of() -> Callable[..., Split]:
    def make(count: int = 40, channels: int = 3, *, alike: bool = False) -> Split:
        """Smooth random images of 16x16; `alike`: the same one over and over."""
        random = np.random.default_rng(0)
        coarse = random.integers(0, 256, (1 if alike else count, 4, 4, channels))
        images = np.kron(coarse, np.ones((1, 4, 4, 1))).astype(np.uint8) // 2 + 40
        images = np.repeat(images, count, axis=0) if alike else images
        images.flags.writeable = False
        return Split(images, np.arange(count) % CLASSES, np.arange(count))

    return make


@pytest.fixture
def batches_of() -> Make:
    def make(split: Split, augment: dict[str, Any], *, seed: int = 0, device: str = "cpu", **more: Any) -> TrainBatches:
        channels = split.images.shape[3]
        return TrainBatches(
            split,
            mean=MEAN[:channels],
            std=STD[:channels],
            batch_size=16,
            augment=AugmentConfig.model_validate(augment),
            classes=CLASSES,
            device=device,
            seed=seed,
            **more,
        )

    return make
