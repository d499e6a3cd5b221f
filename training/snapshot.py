"""A copy of everything that training goes on from, made while training already goes on."""

import ctypes
from collections.abc import Iterable
from threading import Lock
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Pair(NamedTuple):
    """A tensor and what it is to become a copy of."""

    copy: Tensor
    source: Tensor


class Snapshot:
    """A copy on the CPU of a nested state of dicts, lists, tensors and plain values.

    Tensors that share memory with those in `at_once` are copied on the spot, the others by `complete`: by whichever
    thread calls it first, before anything changes them. `state` is the copy, whole from then on.
    """

    def __init__(self, value: Any, at_once: Iterable[Tensor] = ()) -> None:
        self._lock = Lock()
        self._pending: list[Pair] = []
        self.state: Any = self._copy_of(value)
        hurried = {tensor.data_ptr() for tensor in at_once}
        _fill([pair for pair in self._pending if pair.source.data_ptr() in hurried])
        self._pending = [pair for pair in self._pending if pair.source.data_ptr() not in hurried]

    def complete(self) -> None:
        """Copy what is not copied yet; another thread that is at it is waited for."""
        with self._lock:
            _fill(self._pending)
            self._pending = []

    def _copy_of(self, value: Any) -> Any:
        """`value` with an empty tensor for each of its own, to be filled."""
        match value:
            case Tensor():
                pair = Pair(torch.empty_like(value, device="cpu", requires_grad=False), value.detach())
                self._pending.append(pair)
                return pair.copy
            case dict():
                return {key: self._copy_of(item) for key, item in value.items()}
            case list() | tuple():
                return [self._copy_of(item) for item in value]
            case _:
                return value


def _fill(pairs: list[Pair]) -> None:
    for copy, source in pairs:
        if source.is_cpu and copy.stride() == source.stride():
            # note: torch would start a second team of OpenMP threads for the thread that writes checkpoints, and on a
            # busy machine its barriers hold up the first
            ctypes.memmove(copy.data_ptr(), source.data_ptr(), source.nbytes)
        else:
            copy.copy_(source)
