"""A copy of the training state, made while training goes on."""

import ctypes
from collections.abc import Callable
from threading import Lock
from typing import Any

import torch
from torch import Tensor


class Snapshot:
    """A copy on the CPU of the nested state that `state` returns.

    Of dicts, lists, tensors and plain values.

    It is made by whichever thread asks for it first; that must be before anything in the state changes.
    """

    def __init__(self, state: Callable[[], Any]) -> None:
        self._lock = Lock()
        self._state: Callable[[], Any] | None = state
        self._copy: Any = None

    def complete(self) -> Any:
        """Return the copy, made now or by another thread.

        The first caller copies, others wait.
        """
        with self._lock:
            if self._state is not None:
                self._copy, self._state = _copied(self._state()), None
            return self._copy


def _copied(value: Any) -> Any:
    match value:
        case Tensor():
            return _copied_tensor(value.detach())
        case dict():
            return {key: _copied(item) for key, item in value.items()}
        case list() | tuple():
            return [_copied(item) for item in value]
        case _:
            return value


def _copied_tensor(source: Tensor) -> Tensor:
    copy = torch.empty_like(source, device="cpu")
    if source.is_cpu and copy.stride() == source.stride():
        # note: torch would start a second team of OpenMP threads for the thread that writes checkpoints, and on a busy
        # machine its barriers hold up the first
        ctypes.memmove(copy.data_ptr(), source.data_ptr(), source.nbytes)
    else:
        copy.copy_(source)
    return copy
