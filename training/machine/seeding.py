"""Every random draw of a trial comes from (seed, epoch), so that an epoch is the same whenever it is run."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(seed: int, epoch: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators of torch, numpy and Python from (seed, epoch); give them back as they were.

    Epoch 0 stands for the drawing of the weights. Dropout draws from the global generator, so that without this a
    resumed run could not equal an uninterrupted one, and a notebook's own draws would depend on ours.
    """
    mixed = int(np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)[0])
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(_cuda_index(device)):
        torch.manual_seed(mixed)
        random.seed(mixed)
        np.random.seed(mixed % 2**32)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)


def _cuda_index(device: torch.device) -> list[int]:
    """The CUDA device whose generator is used, as a list; empty on others."""
    if device.type != "cuda":
        return []
    return [torch.cuda.current_device() if device.index is None else device.index]
