"""Training metrics of an epoch, summed on the device, and divergence detection."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..machine.device_group import DeviceGroup

# Steps between two checks on CUDA: a divergence is seen within this many steps and the time of one copy, and the copies
# stay rare.
_STEPS_BETWEEN_LOOKS = 16


class Meter:
    """Sums of loss, hits and gradient norms of an epoch on the device.

    Reading them is the only time in an epoch that the CPU waits for the device.
    """

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), device=device)
        self._correct = torch.zeros((), dtype=torch.int64, device=device)
        self._norm = torch.zeros((), device=device)
        self._normed_steps = torch.zeros((), dtype=torch.int64, device=device)
        self.images = 0

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, labels: Tensor, norm: Tensor) -> None:
        """Add a step: mean loss, logits [B, classes], labels, gradient norm.

        Labels are [B], or [B, classes] where mixed: a mixed image counts as recognised where its larger part is. Norms
        that are not finite are left out: fp16 meets them while its scaler looks for a scale.
        """
        # The loss is a mean over the batch: weighted by its images, since the last batch may be smaller.
        self.loss += loss * len(labels)
        classes = labels.argmax(dim=1) if labels.ndim == 2 else labels
        self._correct += (logits.argmax(dim=1) == classes).sum()
        finite = norm.isfinite()
        # note: torch.where and not `if finite`: a branch on a device value would be a CPU-GPU sync point at every step.
        self._norm += torch.where(finite, norm, 0.0)
        self._normed_steps += finite
        self.images += len(labels)

    def state(self) -> dict[str, Any]:
        """Return the sums so far, for a checkpoint."""
        return {"images": self.images, **{name: value.to("cpu", copy=True) for name, value in self._sums().items()}}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.images = state["images"]
        for name, value in self._sums().items():
            value.copy_(state[name])

    def add_up(self, group: DeviceGroup) -> None:
        """Take the sums of all devices of a group, which must all do so."""
        self.images = group.sum([*self._sums().values()], self.images)

    def _sums(self) -> dict[str, Tensor]:
        return {"loss": self.loss, "correct": self._correct, "norm": self._norm, "normed_steps": self._normed_steps}

    def read(self) -> dict[str, float]:
        """Return train_loss, train_accuracy and grad_norm (mean over the steps).

        Waits for the device.
        """
        return {
            # note: the first .item() is the CPU-GPU sync point of the epoch
            "train_loss": self.loss.item() / self.images,
            "train_accuracy": self._correct.item() / self.images,
            "grad_norm": self._norm.item() / max(self._normed_steps.item(), 1),
        }


class DivergenceWatch:
    """Whether the scalar `total` is known to be NaN or infinite.

    NaN and inf stay in a sum, so that no step is missed.

    On a CPU every step is checked. On CUDA the sum is copied every few steps and checked once the copy has arrived, so
    that the device never waits: a diverged trial ends some steps later, still within its epoch.
    """

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._steps = 0
        self._copy: Tensor | None = None
        self._arrived: torch.cuda.Event | None = None

    def diverged(self, total: Tensor) -> bool:
        """Whether the scalar `total` is known to be NaN or infinite."""
        if not self._cuda:
            return not math.isfinite(total.item())  # a value on the CPU costs nothing to read
        self._steps += 1
        diverged = self._has_diverged()
        if self._copy is None and self._steps % _STEPS_BETWEEN_LOOKS == 0:
            # non_blocking: the copy joins the queue behind the steps given so far, the CPU goes on at once.
            self._copy = total.detach().to("cpu", non_blocking=True)
            self._arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._arrived.record(torch.cuda.current_stream(total.device))
        return diverged

    def _has_diverged(self) -> bool:
        if self._copy is None or self._arrived is None:
            return False
        # Not yet arrived: asked again at the next step instead of waiting.
        if not self._arrived.query():  # type: ignore[no-untyped-call]
            return False
        value, self._copy = self._copy.item(), None
        return not math.isfinite(value)
