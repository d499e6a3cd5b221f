"""The random numbers of an augmentation for a batch.

They come from NumPy and from (seed, epoch, name of the augmentation): the same on any device, the same after a resume,
and the same for one augmentation whichever others are on.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Rows = NDArray[np.int64]
Streams = dict[str, np.random.Generator]


def stream(seed: int, epoch: int, name: str) -> np.random.Generator:
    """Return the generator of the augmentation `name` in `epoch`.

    It is drawn from batch after batch.
    """
    # the name's bytes: adding an augmentation moves no other one's stream
    return np.random.default_rng([seed, epoch, *name.encode()])


@dataclass(frozen=True, slots=True)
class Draw:
    """What an augmentation draws from for one batch.

    Attributes:
        random: its stream.
        rows: which images of the split these are, [B].
        epoch: its number.
        seed: the training's.
        device: where the images are, and the parameters go.
    """

    random: np.random.Generator
    rows: Rows
    epoch: int
    seed: int
    device: torch.device

    def __len__(self) -> int:
        return len(self.rows)

    def uniform(self, *ranges: tuple[float, float]) -> Tensor:
        """Draw a number per image from each of the `ranges` (low, high).

        float32 [ranges, B] on the device.
        """
        low, high = (np.array(ends)[:, None] for ends in zip(*ranges, strict=True))
        return self.send((low + (high - low) * self.random.random((len(ranges), len(self)))).astype(np.float32))

    def integers(self, below: int, count: int) -> Tensor:
        """Draw integers from 0 to `below` - 1: int64 [count, B] on the device."""
        return self.send(self.random.integers(0, below, (count, len(self))))

    def chance(self, share: float) -> Tensor:
        """Draw True for a share of the images: bool [B] on the device."""
        return self.send(self.random.random(len(self)) < share)

    def send(self, values: NDArray[np.generic]) -> Tensor:
        """Return `values` on the device."""
        # note: drawn on the CPU and sent, so that every device sees the same numbers
        return torch.from_numpy(values).to(self.device, non_blocking=True)
