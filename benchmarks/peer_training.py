"""The training that the peers of live.py have in common: the network of simple_cnn.yaml in the recipe of tutorials.

recipe.py's data set, DataLoader and loop; AdamW at a constant rate. The network, its initialisation and the four ranges
of the searches are those of our simple_cnn.yaml, so that only the way of training and searching differs.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import recipe
import torch
from hpo.training.models.build import build_model
from hpo.training.models.config import SimpleCnn

LR, WEIGHT_DECAY, DROPOUT = (3e-4, 1e-2), (1e-4, 0.3), (0.0, 0.5)
"""Of simple_cnn.yaml; the first two are searched on a log scale."""
BATCH_SIZES = [32, 64, 128, 256]


def arguments(name: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the arguments of every peer."""
    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument("--data", type=Path, required=True, help="torchvision's root")
    parser.add_argument("--split", type=Path, required=True, help='{"train": [...], "val": [...]}: which images')
    parser.add_argument("--home", type=Path, required=True, help="an empty folder for all files, epochs.jsonl as well")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--no-augment", action="store_true", help="no random crops and flips")
    return parser


def train(params: Mapping[str, Any], seed: int, options: argparse.Namespace) -> Iterator[dict[str, float]]:
    """Train one configuration; yield the metrics of each epoch.

    Every epoch is a line [Unix time, validation accuracy] of epochs.jsonl as well.
    """
    torch.manual_seed(seed)
    model = build_model(SimpleCnn(dropout=params["dropout"]), num_classes=10, in_channels=1, image_size=28)
    optimizer = torch.optim.AdamW(model.parameters(), lr=params["lr"], weight_decay=params["weight_decay"])
    split = json.loads(options.split.read_text())
    train_loader, val_loader = recipe.loaders(
        options.data, **split, batch_size=params["batch_size"], workers=0, augment=not options.no_augment
    )
    for _ in range(options.epochs):
        train_loss = recipe.train_epoch(model, train_loader, optimizer, torch.contiguous_format)
        val_loss, accuracy = recipe.validate(model, val_loader, torch.contiguous_format)
        with (options.home / "epochs.jsonl").open("a") as epochs_file:
            epochs_file.write(json.dumps([time.time(), accuracy]) + "\n")
        yield {"train_loss": train_loss, "val_loss": val_loss, "val_accuracy": accuracy}
