"""The cost of augmentation beside a training step and torchvision's transforms.

The step is one of SimpleCNN; torchvision's transforms work per sample.

Batches of 128 colour images of 32x32. Figures are CPU time of one thread, so that they hold however many threads train,
and whatever else the machine does. Sides take turns over the repeats; a share is taken of the step of the same turn.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import islice, repeat
from typing import Any

import numpy as np
import torch
from harness import Target, arguments, figure, finish, ratio
from hpo.training.augment.config import AugmentConfig
from hpo.training.config import TrialConfig
from hpo.training.data.batches import TrainBatches
from hpo.training.data.pack import Split
from hpo.training.loop.learner import Learner
from hpo.training.models.build import build_model
from torchvision.transforms import InterpolationMode, v2

BATCH, SIDE, CLASSES = 128, 32, 10  # CIFAR-10's
MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)

GEOMETRY: dict[str, Any] = {"rotation": 15.0, "translate": 0.1, "scale": 0.1, "shear": 5.0, "crop_area": 0.5}
JITTER: dict[str, Any] = {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.05}
SHIFTS: dict[str, Any] = {"crop_padding": 4, "flip": True}
CLASSIC = "classic: crop, flip, rotation, jitter"
SIDES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "crop, flip": SHIFTS,
    "rotation": {"rotation": 15.0},
    "rotation, translate, scale, shear, crop_area": GEOMETRY,
    "brightness, contrast, saturation": {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2},
    "hue": {"hue": 0.05},
    "policy: trivial": {"policy": "trivial"},
    "policy: rand": {"policy": "rand"},
    "erase, cutout": {"erase": 0.25, "cutout": 8},
    "mixup": {"mixup": 0.2},
    "mixup, cutmix": {"mixup": 0.2, "cutmix": 1.0},
    CLASSIC: {**SHIFTS, "rotation": 15.0, **JITTER},
}


def images(count: int) -> Split:
    """Make random images, whose content makes no difference to the time."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    return Split(pixels, np.arange(count) % CLASSES, np.arange(count))


def ours(split: Split, augment: dict[str, Any]) -> Iterator[object]:
    """Yield our batches, epoch after epoch."""
    batches = TrainBatches(
        split,
        mean=MEAN,
        std=STD,
        batch_size=BATCH,
        augment=AugmentConfig.model_validate(augment),
        classes=CLASSES,
        device="cpu",
        seed=0,
    )
    number = 0
    while True:
        number += 1
        yield from batches.epoch(number)


def torchvisions(split: Split, *, pillow: bool) -> Iterator[object]:
    """Yield batches of torchvision's classic set of transforms.

    As a data set's transform: one image at a time, from Pillow images or from tensors.
    """
    transform = v2.Compose(
        [
            *([v2.ToPILImage()] if pillow else []),
            v2.RandomCrop(SIDE, padding=4),
            v2.RandomHorizontalFlip(),
            v2.RandomRotation(15, interpolation=InterpolationMode.BILINEAR),
            v2.ColorJitter(0.2, 0.2, 0.2, 0.05),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    # [N, H, W, C] -> [N, C, H, W]
    pixels = torch.from_numpy(split.images).permute(0, 3, 1, 2)
    for start in repeat(0):
        yield torch.stack([transform(image) for image in pixels[start : start + BATCH]])


def steps() -> Iterator[object]:
    """Yield training steps of SimpleCNN as `hpo train` does them.

    On a batch that lies ready.
    """
    config = TrialConfig.model_validate(
        {"model": {"name": "simple_cnn"}, "optimizer": {"name": "adamw"}, "precision": {"dtype": "fp32"}}
    )
    model = build_model(config.model, num_classes=CLASSES, in_channels=3, image_size=SIDE)
    learner = Learner(config, model, torch.device("cpu"))
    batch = torch.randn(BATCH, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(BATCH) % CLASSES
    while True:
        yield learner.step(batch, labels, lr=1e-3)


def timed(batches: Iterator[object], count: int) -> float:
    """Return CPU seconds of each of the next `count`, in the mean."""
    started = time.process_time()
    for _ in islice(batches, count):
        pass
    return (time.process_time() - started) / count


def measure(options: argparse.Namespace) -> dict[str, list[float]]:
    """Measure seconds per batch of every side, per repeat."""
    split = images(BATCH * 20)
    count = 3 if options.quick else 20
    sides: dict[str, Callable[[], Iterator[object]]] = {
        "step": steps,
        **{name: lambda augment=augment: ours(split, augment) for name, augment in SIDES.items()},  # type: ignore[misc]
        "torchvision, tensors": lambda: torchvisions(split, pillow=False),
        "torchvision, Pillow": lambda: torchvisions(split, pillow=True),
    }
    running = {name: begin() for name, begin in sides.items()}
    for side in running.values():
        timed(side, 3)  # caches, the choice of algorithms
    seconds: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(options.repeats):
        for name, side in running.items():
            seconds[name].append(timed(side, max(2, count // 10) if name.startswith("torchvision") else count))
    return seconds


def main() -> None:
    parser = arguments("augment", __doc__.splitlines()[0])
    options = parser.parse_args()
    if options.quick:
        options.repeats = 1
    # so that CPU time is the time of the step, and no thread's spinning counts
    torch.set_num_threads(1)
    seconds = measure(options)
    step, plain = seconds.pop("step"), seconds["nothing"]
    extra = {name: [a - b for a, b in zip(own, plain, strict=True)] for name, own in seconds.items()}
    rows = [
        {
            "augmentation": name,
            "ms per batch": figure([1000 * second for second in own]).text(1),
            "more than nothing, share of a step": ratio(extra[name], step).text(3),
        }
        for name, own in seconds.items()
    ]
    classic = seconds[CLASSIC]
    best_peer = min(
        (seconds[f"torchvision, {kind}"] for kind in ("tensors", "Pillow")), key=lambda own: figure(own).median
    )
    targets = [
        Target("classic set, share of a SimpleCNN step", ratio(extra[CLASSIC], step).median, 0.25, at_most=True),
        Target("classic set, torchvision per sample / ours", ratio(best_peer, classic).median, 5.0),
    ]
    milliseconds = figure([1000 * second for second in step]).text(1)
    title = (
        f"Batches of {BATCH} of {SIDE}x{SIDE}x3, CPU ms of one thread, medians (min-max); a step takes {milliseconds}"
    )
    finish(options, title, rows, targets, {"seconds": {**seconds, "step": step}})


if __name__ == "__main__":
    main()
