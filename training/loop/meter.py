"""The sums of an epoch, kept on the device, and the watch for numbers that are none."""

import math

import torch
from torch import Tensor

_STEPS_BETWEEN_LOOKS = 16


class Meter:
    """Adds up loss, hits and gradient norms of an epoch on the device; reading them is the epoch's only wait."""

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), device=device)
        self._correct = torch.zeros((), dtype=torch.int64, device=device)
        self._norm = torch.zeros((), device=device)
        self._normed_steps = torch.zeros((), dtype=torch.int64, device=device)
        self.images = 0

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, labels: Tensor, norm: Tensor) -> None:
        """Take a step: its mean loss, logits [B, classes], labels [B] (or [B, classes], mixed) and gradient norm.

        A mixed image counts as recognised where its larger part is.
        Norms that are not finite are left out: fp16 meets them while its scaler looks for a scale.
        """
        self.loss += loss * len(labels)
        classes = labels.argmax(dim=1) if labels.ndim == 2 else labels
        self._correct += (logits.argmax(dim=1) == classes).sum()
        finite = norm.isfinite()
        self._norm += torch.where(finite, norm, 0.0)
        self._normed_steps += finite
        self.images += len(labels)

    def read(self) -> dict[str, float]:
        """train_loss, train_accuracy and grad_norm (mean over the steps); waits for the device."""
        return {
            "train_loss": self.loss.item() / self.images,
            "train_accuracy": self._correct.item() / self.images,
            "grad_norm": self._norm.item() / max(self._normed_steps.item(), 1),
        }


class DivergenceWatch:
    """Looks whether a running sum is still finite; NaN and inf stay in a sum, so that no step is missed.

    On a CPU it looks at every step. On CUDA it copies the sum every few steps and looks once the copy has arrived, so
    that the device never waits: a diverged trial ends some steps later, still within its epoch.
    """

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._steps = 0
        self._copy: Tensor | None = None
        self._arrived: torch.cuda.Event | None = None

    def diverged(self, total: Tensor) -> bool:
        """Whether `total`, a scalar on the device, was seen to be NaN or infinite."""
        if not self._cuda:
            return not math.isfinite(total.item())
        self._steps += 1
        seen = self._look()
        if self._copy is None and self._steps % _STEPS_BETWEEN_LOOKS == 0:
            self._copy = total.detach().to("cpu", non_blocking=True)
            self._arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._arrived.record(torch.cuda.current_stream(total.device))
        return seen

    def _look(self) -> bool:
        if self._copy is None or self._arrived is None:
            return False
        if not self._arrived.query():  # type: ignore[no-untyped-call]
            return False
        value, self._copy = self._copy.item(), None
        return not math.isfinite(value)
