"""Images per second: our epoch, the bare loop, the usual recipe.

- ours: `training.train.train`, with augmentation, metrics, reports and checkpoints;
- bare: the same model, batch size, optimiser and memory format on ready-made float tensors, in order, nothing else;
- recipe: recipe.py with the better of 0 and 2 DataLoader workers, with contiguous tensors as it usually is, and once
  more with channels_last.

All sides live in one process and take turns. The training part leaves the validation out on every side; the whole
epoch has it in. Each side trains one turn before the first that counts.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import recipe
import torch
from harness import Figure, Target, arguments, figure, finish, need_fashion_mnist, ratio
from hpo.training.config import TrialConfig
from hpo.training.data.batches import EvalBatches
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from hpo.training.loop import validation as validation_run
from hpo.training.models.build import build_model
from hpo.training.optim.optimizers import build_optimizer
from hpo.training.train import train
from torch import nn

BATCH = 128
MODELS = {
    "simple_cnn": {"name": "simple_cnn"},
    "resnet": {"name": "resnet", "depth": 18, "width": 16},
}
PAUSE_S = 0.3  # between two sides, so that neither runs into what the other has left to write


@dataclass(frozen=True)
class Epoch:
    """The seconds of one epoch."""

    train_s: float
    val_s: float


Side = Iterator[Epoch]


def ours(config: TrialConfig, pack: Pack, directory: Path) -> Side:
    """Yield our epochs.

    The training part is everything but the call of `evaluate`.
    """
    validation: list[float] = []

    def timed(*args: object) -> object:
        started = time.perf_counter()
        evaluation = evaluate(*args)
        validation.append(time.perf_counter() - started)
        return evaluation

    evaluate: Callable[..., object] = validation_run.evaluate
    steps = train(config, pack=pack.path, directory=directory)
    while True:
        validation_run.evaluate = timed  # type: ignore[assignment]
        started = time.perf_counter()
        next(steps)
        whole = time.perf_counter() - started
        validation_run.evaluate = evaluate  # type: ignore[assignment]
        yield Epoch(whole - validation[-1], validation[-1])


def learner(
    config: TrialConfig, pack: Pack, memory_format: torch.memory_format
) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Return the model and optimiser that ours has."""
    torch.manual_seed(config.seed)
    model = build_model(
        config.model, num_classes=len(pack.class_names), in_channels=pack.channels, image_size=pack.image_size
    ).to(memory_format=memory_format)
    return model, build_optimizer(config.optimizer, model)


def bare(config: TrialConfig, pack: Pack) -> Side:
    """Yield epochs of the least that trains.

    Ready-made float tensors in channels_last, no augmentation, no metrics.
    """
    model, optimizer = learner(config, pack, torch.channels_last)
    evals = [
        list(EvalBatches(split, mean=pack.mean, std=pack.std, batch_size=size, device="cpu"))
        for split, size in ((pack.train, BATCH), (pack.val, 512))
    ]
    while True:
        started = time.perf_counter()
        model.train()
        for images, labels in evals[0]:
            optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        trained = time.perf_counter()
        recipe.validate(model, evals[1], torch.channels_last)  # type: ignore[arg-type]
        yield Epoch(trained - started, time.perf_counter() - trained)


def usual(config: TrialConfig, pack: Pack, root: Path, memory_format: torch.memory_format, workers: int) -> Side:
    """Yield epochs of the recipe with as many images as ours."""
    model, optimizer = learner(config, pack, memory_format)
    count = pack.size("train")
    train_loader, val_loader = recipe.loaders(
        root, train=range(count), val=range(count, count + pack.size("val")), batch_size=BATCH, workers=workers
    )
    while True:
        started = time.perf_counter()
        recipe.train_epoch(model, train_loader, optimizer, memory_format)
        trained = time.perf_counter()
        recipe.validate(model, val_loader, memory_format)
        yield Epoch(trained - started, time.perf_counter() - trained)


def turn(side: Side, epochs: int, pause_s: float) -> Epoch:
    """Run some epochs of one side after a pause, and add them up."""
    time.sleep(pause_s)
    done = [next(side) for _ in range(epochs)]
    return Epoch(sum(epoch.train_s for epoch in done), sum(epoch.val_s for epoch in done))


def better_loader(
    config: TrialConfig, pack: Pack, root: Path, memory_format: torch.memory_format, pause_s: float
) -> Side:
    """Return the recipe with the faster number of DataLoader workers.

    Warmed up.
    """
    sides = {workers: usual(config, pack, root, memory_format, workers) for workers in (0, 2)}
    for side in sides.values():
        turn(side, 1, pause_s)
    seconds = {workers: turn(side, 1, pause_s).train_s for workers, side in sides.items()}
    best = min(seconds, key=seconds.__getitem__)
    print(f"  recipe, {memory_format}: " + ", ".join(f"{w} workers {s:.1f} s" for w, s in seconds.items()))
    # ends the workers of the slower one, which would hold a core
    sides[2 - best].close()  # type: ignore[attr-defined]
    return sides[best]


def measure(name: str, options: argparse.Namespace, folder: Path) -> dict[str, list[Epoch]]:
    """Measure `repeats` turns of every side for model `name`."""
    images, epochs, pause_s = (256, 1, 0.0) if options.quick else (options.images, 2, PAUSE_S)
    data = {"source": "fashion_mnist", "batch_size": BATCH, "max_train": images, "max_val": images // 4}
    config = TrialConfig.model_validate(
        {
            "data": data,
            "augment": {"crop_padding": 2, "flip": True},
            "model": MODELS[name],
            "optimizer": {"name": "adamw", "lr": 1e-3, "weight_decay": 0.01},
            "budget": {"epochs": 1 + epochs * (options.repeats + 1)},
        }
    )
    pack = prepare(config.data, cache=folder / "cache")
    root = folder / "torchvision"
    sides = {
        "ours": ours(config, pack, folder / name),
        "bare": bare(config, pack),
        "recipe": better_loader(config, pack, root, torch.contiguous_format, pause_s),
        "recipe, channels_last": better_loader(config, pack, root, torch.channels_last, pause_s),
    }
    for side in sides.values():
        turn(side, 1, pause_s)
    turns: dict[str, list[Epoch]] = {side: [] for side in sides}
    for _ in range(options.repeats):
        for side, steps in sides.items():
            turns[side].append(turn(steps, epochs, pause_s))
    return {
        side: [Epoch(t.train_s / epochs / images, t.val_s / epochs / images) for t in turns[side]] for side in sides
    }


def rates(turns: list[Epoch], *, whole: bool) -> list[float]:
    """Return training images per second.

    Of the training part or of the whole epoch.
    """
    return [1 / (epoch.train_s + (epoch.val_s if whole else 0)) for epoch in turns]


def row(model: str, side: str, turns: dict[str, list[Epoch]]) -> dict[str, str]:
    """Return a line of the table: this side, and how ours compares."""
    own, mine = rates(turns[side], whole=False), rates(turns["ours"], whole=False)
    return {
        "model": model,
        "side": side,
        "images/s": figure(own).text(),
        "ours / it": ratio(mine, own).text(2),
        "whole epoch, images/s": figure(rates(turns[side], whole=True)).text(),
        "whole epoch, ours / it": whole_ratio(turns, side).text(2),
    }


def whole_ratio(turns: dict[str, list[Epoch]], side: str) -> Figure:
    """Return ours by `side`, validation included."""
    return ratio(rates(turns["ours"], whole=True), rates(turns[side], whole=True))


def main() -> None:
    parser = arguments("throughput", __doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, choices=(1, 2), help="torch's threads (default: every core)")
    parser.add_argument("--images", type=int, default=6000, help="training images of an epoch (default 6000)")
    parser.add_argument("--models", nargs="+", choices=tuple(MODELS), default=list(MODELS))
    options = parser.parse_args()
    need_fashion_mnist()
    if options.quick:
        options.repeats, options.models = 1, ["simple_cnn"]
    if options.threads:
        torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        recipe.unzip(Path(folder) / "torchvision")
        measured = {name: measure(name, options, Path(folder)) for name in options.models}
    rows, targets = [], []
    for model, turns in measured.items():
        rows += [row(model, side, turns) for side in turns]
        for side, bound in (("bare", 0.95), ("recipe", 1.8)):
            value = ratio(rates(turns["ours"], whole=False), rates(turns[side], whole=False)).median
            if side == "bare" or model == "simple_cnn":
                targets.append(Target(f"{model}: ours / {side}", value, bound))
    title = f"Throughput, Fashion-MNIST, batch {BATCH}, {torch.get_num_threads()} threads, medians (min-max)"
    raw = {m: {s: [vars(t) for t in ts] for s, ts in turns.items()} for m, turns in measured.items()}
    finish(options, title, rows, targets, {"seconds_per_image": raw, "threads": torch.get_num_threads()})


if __name__ == "__main__":
    main()
