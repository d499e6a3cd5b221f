"""torch.compile for the forward pass of training, kept only where it is measured to pay back.

Only full batches run compiled: another shape would be compiled again. Evaluation never does.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from statistics import median
from typing import Literal

import torch
from torch import Tensor, nn

from .memory import is_out_of_memory

Forward = Callable[[Tensor], Tensor]

_WARM_STEPS = 4  # before a measurement: caches, the choice of algorithms
_TIMED_STEPS = 12
_LEAST_S = 20.0  # compiling a small model takes this long
_MOST_SAVED = 0.5  # of a step, at the very best: what decides whether an attempt is worth it


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
    """Runs the forward pass of `model` compiled: from the first step (mode on), or after it has shown that it pays.

    With mode auto some steps are timed as they are; where the `steps` that are left could save as much time as
    compiling is bound to take, the model is compiled, timed, and kept compiled if the time saved per step makes up
    for the time that compiling took within the run. The times decide, so that such a run need not be the same twice,
    to the last bit. `note` tells what was decided, "" until then.
    """

    def __init__(
        self,
        model: nn.Module,
        device: torch.device,
        mode: Literal["auto", "on"],
        steps: int,
        *,
        backend: str = "inductor",
        least_s: float = _LEAST_S,
    ) -> None:
        self.note = ""
        self.forward: Forward = model
        self._model, self._device, self._steps, self._least_s = model, device, steps, least_s
        self._compiled: Forward = torch.compile(model, backend=backend)
        self._plan = self._always() if mode == "on" else self._measured()
        self._full: torch.Size | None = None
        self._seconds = 0.0

    @contextmanager
    def step(self, images: Tensor) -> Iterator[None]:
        """A step on `images`: `forward` is what it should call for them and for any part of them."""
        self._full = self._full or images.shape
        if images.shape != self._full:
            self.forward = self._model
            yield
            return
        self.forward, timed = next(self._plan)
        started = self._now() if timed else 0.0
        yield
        if timed:
            self._seconds = self._now() - started

    def gives_up(self, error: Exception) -> bool:
        """Whether a compiled pass failed with `error` and the step should be tried again as the model is written."""
        if self.forward is not self._compiled or is_out_of_memory(error):
            return False
        reason = " ".join(str(error).strip().splitlines()[:2])  # the first line may only say which part of torch failed
        self.note = f"compile: failed and left out ({type(error).__name__}: {reason})"
        self.forward, self._plan = self._model, self._never()
        return True

    def _always(self) -> Generator[tuple[Forward, bool]]:
        yield self._compiled, True
        self.note = f"compile: on, the first step took {self._seconds:.1f} s"
        while True:
            yield self._compiled, False

    def _never(self) -> Generator[tuple[Forward, bool]]:
        while True:
            yield self._model, False

    def _measured(self) -> Generator[tuple[Forward, bool]]:
        """The forward pass of each next step and whether to time it; self._seconds is then what the step took."""
        plain_s = yield from self._timed(self._model)
        left = self._steps - _WARM_STEPS - _TIMED_STEPS
        if left * plain_s * _MOST_SAVED < self._least_s:
            self.note = f"compile: not tried, {left:,} steps of {1000 * plain_s:.1f} ms are too few to save time"
            yield from self._never()
        yield self._compiled, True
        compiling_s = self._seconds
        compiled_s = yield from self._timed(self._compiled)
        saved_s = left * (plain_s - compiled_s)
        figures = f"{1000 * plain_s:.1f} ms a step, compiled {1000 * compiled_s:.1f} ms, {compiling_s:.1f} s to compile"
        self.note = f"compile: {'kept' if saved_s > compiling_s else 'dropped'} ({figures}, {left:,} steps to go)"
        if saved_s <= compiling_s:
            yield from self._never()
        while True:
            yield self._compiled, False

    def _timed(self, forward: Forward) -> Generator[tuple[Forward, bool], None, float]:
        """The median seconds of a step after a few that are not counted."""
        seconds = []
        for number in range(_WARM_STEPS + _TIMED_STEPS):
            yield forward, number >= _WARM_STEPS
            seconds.append(self._seconds)
        return median(seconds[_WARM_STEPS:])

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()
