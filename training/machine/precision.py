"""Mixed precision: which number format the forward pass uses, and the gradient scaler that fp16 needs."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch.amp.autocast_mode import autocast
from torch.amp.grad_scaler import GradScaler

from ...errors import TrainingError
from ..config import PrecisionConfig
from .numerics import Dtype

_DTYPES: dict[Dtype, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class Precision:
    """The format of the forward pass on one device. Weights and optimiser state are always float32."""

    device: torch.device
    dtype: torch.dtype

    @classmethod
    def choose(cls, config: PrecisionConfig, device: torch.device) -> "Precision":
        """What `config` means on `device`; `auto` is what `auto_dtype` says.

        Raises:
            TrainingError: fp16 on something other than CUDA.
        """
        name = auto_dtype([device]) if config.dtype == "auto" else config.dtype
        if name == "fp16" and device.type != "cuda":
            raise TrainingError(f"precision.dtype: fp16 needs CUDA, the device is {device}; choose auto, fp32 or bf16")
        return cls(device, _DTYPES[name])

    @property
    def name(self) -> Dtype:
        """The format as a configuration calls it."""
        return next(name for name, dtype in _DTYPES.items() if dtype is self.dtype)

    def autocast(self) -> AbstractContextManager[object]:
        """The context of a forward pass; without effect for fp32."""
        return autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not torch.float32)

    def scaler(self) -> GradScaler:
        """A gradient scaler, enabled for fp16 alone: the others have the exponent range of float32."""
        return GradScaler(self.device.type, enabled=self.dtype is torch.float16)

    def state(self) -> dict[str, str]:
        """The kind of device and the format, for a checkpoint."""
        return {"device": self.device.type, "dtype": self.name}

    def as_before(self, state: dict[str, str]) -> "Precision":
        """The format that `state` names, where it was on such a device: another card of that kind may lack bf16."""
        if state["device"] != self.device.type:
            return self
        return replace(self, dtype=_DTYPES[cast(Dtype, state["dtype"])])


def auto_dtype(devices: Iterable[torch.device]) -> Dtype:
    """The format that `auto` stands for where one run may be on any of `devices`.

    On CUDA it is bf16 where every card computes in it, else fp16; on anything else fp32. A rule and not a measurement:
    what a neighbour on the machine does must not decide the numbers of a run. On CPUs bf16 convolutions were 4 to 16
    times slower with torch 2.13 and later, also on processors with instructions for bf16 (pytorch issue 183815).
    """
    formats = {_fastest(device) for device in devices}
    return next(name for name in ("fp32", "fp16", "bf16") if name in formats)


def _fastest(device: torch.device) -> Dtype:
    if device.type != "cuda":
        return "fp32"
    with torch.cuda.device(device):
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
