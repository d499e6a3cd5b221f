"""Random numbers of a trial, from (seed, epoch).

An epoch draws the same whenever it is trained.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(seed: int, epoch: int, device: torch.device) -> Iterator[None]:
    """Seed torch, numpy and Python from (seed, epoch), and restore them afterwards.

    Epoch 0 is the drawing of the weights. Dropout draws from the global generator: without this a resumed training
    could not equal an uninterrupted one, and a notebook's own draws would depend on ours.
    """
    # SeedSequence: neighbouring seeds and epochs give unrelated streams, seed + epoch would not
    mixed = int(np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)[0])
    python_state, numpy_state = random.getstate(), np.random.get_state()
    # CPU and this card alone: forking every card's generator would start CUDA on all of them
    with torch.random.fork_rng(_cuda_index(device)):
        torch.manual_seed(mixed)
        random.seed(mixed)
        np.random.seed(mixed % 2**32)  # numpy takes 32 bits
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)


def _cuda_index(device: torch.device) -> list[int]:
    """The CUDA device whose generator is used, in a list; empty on others."""
    if device.type != "cuda":
        return []
    return [torch.cuda.current_device() if device.index is None else device.index]
