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
        """Return an empty context: nothing is to be done around a step."""
        return nullcontext()

    def gives_up(self, error: Exception) -> bool:
        """Return False: an error is the model's own."""
        return False


class Compilation:
    """A compiled forward pass, uncompiled again where it fails to compile.

    `note` says what became of it.
    """

    def __init__(self, model: nn.Module, device: torch.device, *, backend: str = "inductor") -> None:
        self.note = ""
        self.forward: Forward = model
        self._model, self._device = model, device
        self._compiled: Forward | None = torch.compile(model, backend=backend)
        self._full_shape: torch.Size | None = None

    @contextmanager
    def step(self, images: Tensor) -> Iterator[None]:
        """Choose `forward` for a step on `images` [B, C, H, W].

        It is what the step calls for them and for any part of them.
        """
        self._full_shape = self._full_shape or images.shape
        # the last batch of an epoch: compiling for its shape would cost more than it saves
        if self._compiled is None or images.shape != self._full_shape:
            self.forward = self._model
            yield
            return
        self.forward = self._compiled
        # note: synchronises CUDA, so only around the first compiled step, which compiles
        started = now(self._device) if not self.note else 0.0
        yield
        self.note = self.note or f"compile: on, the first step took {now(self._device) - started:.1f} s"

    def gives_up(self, error: Exception) -> bool:
        """Whether the step should be repeated uncompiled after `error`.

        True where a compiled pass failed for another reason than memory.
        """
        if self.forward is not self._compiled or is_out_of_memory(error):
            return False
        reason = " ".join(str(error).strip().splitlines()[:2])  # the first line may only say which part of torch failed
        self.note = f"compile: failed and left out ({type(error).__name__}: {reason})"
        self.forward, self._compiled = self._model, None
        return True


def now(device: torch.device) -> float:
    """Return a clock in seconds, once the device has done its work.

    note: on CUDA this is a sync point.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
