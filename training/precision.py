"""Mixed precision: which number format the forward pass uses, and the gradient scaler that fp16 needs."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.amp.autocast_mode import autocast
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from ..errors import TrainingError
from .config import PrecisionConfig

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class Precision:
    """The format of the forward pass on one device. Weights and optimiser state are always float32."""

    device: torch.device
    dtype: torch.dtype

    @classmethod
    def choose(cls, config: PrecisionConfig, device: torch.device) -> "Precision":
        """What `config` means on `device`: auto is bf16 where CUDA has it, else fp16; fp32 on everything else.

        On CPUs without bf16 instructions bf16 is five to six times slower than fp32, so that it must be asked for.

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


def backward(loss: Tensor, optimizer: Optimizer, scaler: GradScaler) -> None:
    """Replace the gradients by those of `loss`, true to scale also under fp16."""
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(scaler.scale(loss))
    scaler.unscale_(optimizer)


def _fastest(device: torch.device) -> torch.dtype:
    if device.type != "cuda":
        return torch.float32
    with torch.cuda.device(device):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
