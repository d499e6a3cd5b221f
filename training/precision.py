"""Mixed precision: which number format the forward pass uses, and the gradient scaler that fp16 needs."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor, nn
from torch.amp.autocast_mode import autocast
from torch.amp.grad_scaler import GradScaler

from ..errors import TrainingError
from .config import PrecisionConfig

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_CLEARLY = 1.25  # so many times faster bf16 must be on a CPU: less is noise, and not worth the lost digits
_REPEATS = 5


@dataclass(frozen=True, slots=True)
class Precision:
    """The format of the forward pass on one device. Weights and optimiser state are always float32."""

    device: torch.device
    dtype: torch.dtype

    @classmethod
    def choose(cls, config: PrecisionConfig, device: torch.device) -> "Precision":
        """What `config` means on `device`.

        auto on CUDA is bf16 where the card has it, else fp16. On a CPU it is what a short measurement, once a process,
        finds faster: fp32, unless the CPU has instructions for bf16 (without them bf16 is five to six times slower).

        Raises:
            TrainingError: fp16 on something other than CUDA.
        """
        if config.dtype == "auto":
            return cls(device, _fastest(device))
        if config.dtype == "fp16" and device.type != "cuda":
            raise TrainingError(f"precision.dtype: fp16 needs CUDA, the device is {device}; choose auto, fp32 or bf16")
        return cls(device, _DTYPES[config.dtype])

    def autocast(self) -> AbstractContextManager[object]:
        """The context of a forward pass; without effect for fp32."""
        return autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not torch.float32)

    def scaler(self) -> GradScaler:
        """A gradient scaler, enabled for fp16 alone: the others have the exponent range of float32."""
        return GradScaler(self.device.type, enabled=self.dtype is torch.float16)

    def state(self) -> dict[str, str]:
        """The kind of device and the format, for a checkpoint."""
        name = next(name for name, dtype in _DTYPES.items() if dtype is self.dtype)
        return {"device": self.device.type, "dtype": name}

    def as_before(self, state: dict[str, str]) -> "Precision":
        """The format that `state` names, where it was on such a device: a measurement may turn out otherwise today."""
        return replace(self, dtype=_DTYPES[state["dtype"]]) if state["device"] == self.device.type else self


def _fastest(device: torch.device) -> torch.dtype:
    if device.type == "cpu":
        return _fastest_on_cpu()
    if device.type != "cuda":
        return torch.float32
    with torch.cuda.device(device):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


@cache
def _fastest_on_cpu() -> torch.dtype:
    """Trains a small convolution in both formats, in turn; the best of a few repeats counts (some 50 ms in all)."""
    with torch.random.fork_rng([]):
        model = nn.Conv2d(16, 32, 3, padding=1).to(memory_format=torch.channels_last)
        images = torch.randn(32, 16, 16, 16).to(memory_format=torch.channels_last)
    best = {torch.float32: float("inf"), torch.bfloat16: float("inf")}
    for _ in range(_REPEATS):
        for dtype, shortest in best.items():
            best[dtype] = min(shortest, _seconds(model, images, dtype))
    return torch.bfloat16 if best[torch.float32] > _CLEARLY * best[torch.bfloat16] else torch.float32


def _seconds(model: nn.Module, images: Tensor, dtype: torch.dtype) -> float:
    started = time.perf_counter()
    with autocast("cpu", dtype=dtype, enabled=dtype is not torch.float32):
        total = model(images).sum()
    torch.autograd.backward(total)
    return time.perf_counter() - started
