"""Images per second of our epochs against the bare loop.

On one device; one JSON object.

- ours: `training.train.train` with augmentation, metrics, reports and checkpoints; the training part of its epochs;
- bare: the same model, batch size and optimiser in channels_last, under the same autocast, on normalised images that
  lie on the device; the order is new in each epoch, and nothing else is done.

The two take turns, and the first epoch of each, in which kernels are chosen or compiled, is left out.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from hpo.training.config import TrialConfig
from hpo.training.data.batches import EvalBatches
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from hpo.training.machine.precision import Precision
from hpo.training.models.build import build_model
from hpo.training.optim.optimizers import build_optimizer
from hpo.training.train import train
from torch import nn

MODELS = {
    "simple_cnn": {"name": "simple_cnn"},
    "resnet": {"name": "resnet", "depth": 18, "width": 64},
}


def ours(config: TrialConfig, pack: Pack, device: str, folder: Path) -> Iterator[float]:
    """Yield images per second of each of our epochs."""
    for report in train(config, pack=pack.path, directory=folder, device=device):
        if hasattr(report, "epoch"):
            yield report.metrics["images_per_s"]


def bare(config: TrialConfig, pack: Pack, device: str, *, compiled: bool) -> Iterator[float]:
    """Yield images per second of each epoch of the bare loop."""
    target, size = torch.device(device), config.data.batch_size
    model = build_model(
        config.model, num_classes=len(pack.class_names), in_channels=pack.channels, image_size=pack.image_size
    ).to(target, memory_format=torch.channels_last)
    optimizer = build_optimizer(config.optimizer, model)
    forward = torch.compile(model) if compiled else model
    batches = list(EvalBatches(pack.train, mean=pack.mean, std=pack.std, batch_size=size, device=target))
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    precision = Precision.choose(config.precision, target)
    # whole batches only: a small one at the end would have kernels chosen, or compiled, for it
    count = len(images) // size * size
    while True:
        _wait(target)
        began = time.perf_counter()
        order = torch.randperm(len(images), device=target)
        for start in range(0, count, size):
            part = order[start : start + size]
            batch = images[part].contiguous(memory_format=torch.channels_last)
            with precision.autocast():
                loss = nn.functional.cross_entropy(forward(batch), labels[part])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        _wait(target)
        yield count / (time.perf_counter() - began)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Measure one model, print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--device", required=True)
    parser.add_argument("--source", required=True, help="a data set by name")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    numerics = {"precision": {"dtype": "fp32" if options.device == "cpu" else "bf16"}}
    config = TrialConfig.model_validate(
        {
            "data": {
                "source": options.source,
                "batch_size": options.batch,
                "max_train": options.images,
                "max_val": 500,
            },
            "augment": {"crop_padding": 2, "flip": True},
            "model": MODELS[options.model],
            "optimizer": {"name": "adamw", "lr": 1e-3},
            "budget": {"epochs": options.epochs},
            "compile": "on" if options.compile else "off",
            **numerics,
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        pack = prepare(config.data, cache=Path(folder) / "cache", data_root=options.data_root)
        sides = {
            "ours": ours(config, pack, options.device, Path(folder) / "run"),
            "bare": bare(config, pack, options.device, compiled=options.compile),
        }
        rates = {side: [next(steps) for _ in range(options.epochs)] for side, steps in sides.items()}
    medians = {side: statistics.median(runs[1:]) for side, runs in rates.items()}
    result = {"images_per_s": rates, "median": medians, "ours_by_bare": medians["ours"] / medians["bare"]}
    print(json.dumps({**result, "device": options.device, **numerics, "compile": options.compile}))


if __name__ == "__main__":
    main()
