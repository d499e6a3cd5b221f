"""torch.compile for the forward pass of training.

Only full batches run compiled: another shape would be compiled again. Evaluation never does.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn

from .memory import is_out_of_memory

Forward = Callable[[Tensor], Tensor]


class NotCompiled:
    """The forward pass as it is written."""

    note = ""

    def __init__(self, model: nn.Module) -> None:
        self.forward: Forward = model

    def step(self, images: Tensor) -> AbstractContextManager[None]:
        """Nothing to be done around a step."""
        return nullcontext()

    def gives_up(self, error: Exception) -> bool:
        """Never: an error is the model's own."""
        return False


class Compilation:
    """Runs the forward pass of `model` compiled, until it fails to compile; `note` says what became of it."""

    def __init__(self, model: nn.Module, device: torch.device, *, backend: str = "inductor") -> None:
        self.note = ""
        self.forward: Forward = model
        self._model, self._device = model, device
        self._compiled: Forward | None = torch.compile(model, backend=backend)
        self._full: torch.Size | None = None

    @contextmanager
    def step(self, images: Tensor) -> Iterator[None]:
        """A step on `images`: `forward` is what it should call for them and for any part of them."""
        self._full = self._full or images.shape
        if self._compiled is None or images.shape != self._full:
            self.forward = self._model
            yield
            return
        self.forward = self._compiled
        started = now(self._device) if not self.note else 0.0
        yield
        self.note = self.note or f"compile: on, the first step took {now(self._device) - started:.1f} s"

    def gives_up(self, error: Exception) -> bool:
        """Whether a compiled pass failed with `error` and the step should be tried again as the model is written."""
        if self.forward is not self._compiled or is_out_of_memory(error):
            return False
        reason = " ".join(str(error).strip().splitlines()[:2])  # the first line may only say which part of torch failed
        self.note = f"compile: failed and left out ({type(error).__name__}: {reason})"
        self.forward, self._compiled = self._model, None
        return True


def now(device: torch.device) -> float:
    """A clock in seconds that has waited for everything the device was given to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
