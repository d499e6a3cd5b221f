"""The devices that share the batches of a training, a process each.

Torch's DistributedDataParallel (Li et al. 2020, arXiv:2006.15704) adds up their gradients: NCCL between cards, gloo
between processes on CPUs, all on one machine.
"""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from inspect import signature
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

# A device waits for the others at each step. One that validates, packs or compiles keeps them waiting; one that is gone
# is found at the next order (see Replicas), but for a card that stands still within a step: NCCL ends the process then.
_TIMEOUT = timedelta(minutes=30)
_INTERFACES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")  # which of the network's they talk over

# see `agree`: else each step would keep the buffers of one device's images alone. Newer versions of torch renamed it
_RENAMED = "forward_sync_buffers" in signature(DistributedDataParallel).parameters
_BUFFERS_APART: dict[str, Any] = {"forward_sync_buffers" if _RENAMED else "broadcast_buffers": False}


class Part(NamedTuple):
    """What one device takes of a batch: images [B, C, H, W], labels [B] or [B, classes].

    `weight` is what its mean loss counts in the mean of all devices: 0 where another takes the whole batch.
    """

    images: Tensor
    labels: Tensor
    weight: float


@dataclass(frozen=True, slots=True)
class DeviceGroup:
    """The devices of a training; this process has the one with `rank` of `size`."""

    rank: int = 0
    size: int = 1

    @classmethod
    def join(cls, folder: Path, rank: int, size: int, device: torch.device) -> Self:
        """Meet the other processes in an empty `folder` that only their user can read.

        When it returns, all are there and nobody needs the folder any more.
        """
        loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
        os.environ.update(dict.fromkeys(_INTERFACES, loopback))  # read as the connections are made
        meeting = f"file://{folder / 'store'}"
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, init_method=meeting, rank=rank, world_size=size, timeout=_TIMEOUT)
        dist.all_reduce(torch.zeros(1, device=device))  # the first sum: until then connections are made by the folder
        return cls(rank, size)

    def leave(self) -> None:
        """Leave the others, which may be gone."""
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()

    def wrap(self, model: nn.Module, *, may_skip: bool) -> DistributedDataParallel:
        """Return `model` with gradients that are the mean of all devices'.

        `may_skip` says that a forward pass need not use all of its weights.
        """
        device = next(model.parameters()).device
        return DistributedDataParallel(
            model,
            device_ids=[device] if device.type == "cuda" else None,
            find_unused_parameters=may_skip,
            **_BUFFERS_APART,
        )

    def unshared(self, module: nn.Module) -> AbstractContextManager[None]:
        """Return a context in which the gradients of a module stay this device's: they add up for a later pass."""
        return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()

    def part(self, images: Tensor, labels: Tensor, least: int) -> Part:
        """Return this device's part of a batch; parts differ by at most one image.

        Of a batch that leaves fewer than `least` images to a device, the first device takes all.
        """
        if self.size == 1:
            return Part(images, labels, 1.0)
        if len(images) // self.size < least:
            return Part(images, labels, float(self.size) if self.rank == 0 else 0.0)
        mine, my_labels = (whole.tensor_split(self.size)[self.rank] for whole in (images, labels))
        return Part(mine, my_labels, self.size * len(mine) / len(images))

    def sum(self, tensors: Sequence[Tensor], number: int) -> int:
        """Replace `tensors` by their sums over all devices; return that of a `number`."""
        if self.size == 1:
            return number
        count = torch.tensor(number, device=tensors[0].device)
        for tensor in (*tensors, count):
            dist.all_reduce(tensor)
        return int(count.item())

    @torch.no_grad()
    def agree(self, model: nn.Module) -> None:
        """Give all devices the same buffers: of batch norms the mean of their statistics, of others the first device's.

        Running statistics are linear in those of each batch, so that their mean at the end of an epoch is the same as
        after each step, but for rounding.
        """
        if self.size == 1:
            return
        statistics = {id(buffer) for buffer in chain.from_iterable(_statistics(model))}
        for buffer in model.buffers():
            if id(buffer) in statistics:
                dist.all_reduce(buffer)
                buffer /= self.size
            else:
                dist.broadcast(buffer, src=0)


ALONE = DeviceGroup()
"""The group of a training on one device."""


def _statistics(model: nn.Module) -> Iterator[list[Tensor]]:
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            yield [buffer for buffer in (module.running_mean, module.running_var) if buffer is not None]
