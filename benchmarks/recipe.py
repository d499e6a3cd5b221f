"""The usual recipe of tutorials: the peer of throughput.py and peer_search.py.

As PyTorch's and torchvision's tutorials teach it.

A torchvision data set, transforms per sample, a DataLoader, a plain loop:
https://docs.pytorch.org/tutorials/beginner/basics/data_tutorial.html and
https://docs.pytorch.org/tutorials/beginner/blitz/cifar10_tutorial.html, with the augmentation of torchvision's
references/classification (RandomCrop, RandomHorizontalFlip).
"""

import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from harness import FASHION_MNIST
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import FashionMNIST
from torchvision.transforms import Compose, Normalize, RandomCrop, RandomHorizontalFlip, ToTensor

MEAN, STD = (0.2860,), (0.3530,)  # of Fashion-MNIST's training images
Loader = DataLoader[tuple[Tensor, Tensor]]


def unzip(root: Path) -> Path:
    """Unpack Fashion-MNIST under `root` for torchvision; return `root`."""
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for packed in FASHION_MNIST.glob("*.gz"):
        with gzip.open(packed) as source, (raw / packed.stem).open("wb") as target:
            shutil.copyfileobj(source, target)
    return root


def loaders(
    root: Path, *, train: Sequence[int], val: Sequence[int], batch_size: int, workers: int, augment: bool = True
) -> tuple[Loader, Loader]:
    """Return loaders over the images `train` and `val`.

    Of the training file; `train` is shuffled and augmented.
    """
    plain = [ToTensor(), Normalize(MEAN, STD)]
    augmented = [RandomCrop(28, padding=2), RandomHorizontalFlip(), *plain] if augment else plain
    for_train = Subset(FashionMNIST(root, train=True, transform=Compose(augmented)), train)
    for_val = Subset(FashionMNIST(root, train=True, transform=Compose(plain)), val)
    persistent = workers > 0
    return (
        DataLoader(for_train, batch_size, shuffle=True, num_workers=workers, persistent_workers=persistent),
        DataLoader(for_val, 512, num_workers=workers, persistent_workers=persistent),
    )


def train_epoch(
    model: nn.Module, loader: Loader, optimizer: torch.optim.Optimizer, memory_format: torch.memory_format
) -> float:
    """Train one epoch; return the mean training loss."""
    model.train()
    total = 0.0
    for images, labels in loader:
        images = images.to(memory_format=memory_format)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        # as tutorials do: on a GPU each step waits for it
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def validate(model: nn.Module, loader: Loader, memory_format: torch.memory_format) -> tuple[float, float]:
    """Return mean loss and accuracy over `loader`."""
    model.eval()
    loss, correct, count = 0.0, 0, 0
    for images, labels in loader:
        logits = model(images.to(memory_format=memory_format))
        loss += nn.functional.cross_entropy(logits, labels, reduction="sum").item()
        correct += int((logits.argmax(1) == labels).sum())
        count += len(labels)
    return loss / count, correct / count
