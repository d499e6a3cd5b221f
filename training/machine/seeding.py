"""Random numbers of a trial, from (seed, epoch).

An epoch draws the same whenever it is trained.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def seeded(seed: int, epoch: int, device: torch.device, rank: int = 0) -> Iterator[None]:
    """Seed torch, numpy and Python from (seed, epoch), and restore them afterwards.

    Of devices that share a batch each draws its own, by its `rank`: the same dropout masks on all would go together.
    Epoch 0 is the drawing of the weights. Dropout draws from the global generator: without this a resumed training
    could not equal an uninterrupted one, and a notebook's own draws would depend on ours.
    """
    # SeedSequence: neighbouring seeds and epochs give unrelated streams, seed + epoch would not
    sequence = np.random.SeedSequence((seed, epoch, rank) if rank else (seed, epoch))
    mixed = int(sequence.generate_state(1, np.uint64)[0])
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


def generator_states(device: torch.device) -> dict[str, Any]:
    """Return the states of the generators that `seeded` seeds, for a checkpoint."""
    version, python, gauss = random.getstate()
    name, words, *rest = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "cuda": [torch.cuda.get_rng_state(index) for index in _cuda_index(device)],
        "python": [version, list(python), gauss],
        "numpy": [name, [int(word) for word in words], *rest],
    }


def set_generator_states(states: Mapping[str, Any], device: torch.device) -> None:
    """Go on drawing where `generator_states` left off.

    A training that was on a CPU has no state for a card: there the card's generator stays as it is.
    """
    torch.set_rng_state(states["torch"])
    for index, state in zip(_cuda_index(device), states["cuda"], strict=False):
        torch.cuda.set_rng_state(state, index)
    version, python, gauss = states["python"]
    random.setstate((version, tuple(python), gauss))
    name, words, *rest = states["numpy"]
    np.random.set_state((name, np.array(words, np.uint32), *rest))


def _cuda_index(device: torch.device) -> list[int]:
    """The CUDA device whose generator is used, in a list; empty on others."""
    if device.type != "cuda":
        return []
    return [torch.cuda.current_device() if device.index is None else device.index]
