"""Mixed precision: number format of the forward pass, and fp16's gradient scaler."""

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
    """The number format of the forward pass on one device.

    Weights and optimiser state are always float32.
    """

    device: torch.device
    dtype: torch.dtype

    @classmethod
    def choose(cls, config: PrecisionConfig, device: torch.device) -> "Precision":
        """Return the precision that `config` means on `device`.

        For `auto` that of `auto_dtype`.

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
        """Return the context of a forward pass; without effect for fp32."""
        return autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not torch.float32)

    def scaler(self) -> GradScaler:
        """Return a gradient scaler, enabled for fp16 alone.

        The other formats have the exponent range of float32, so that small gradients do not become 0.
        """
        return GradScaler(self.device.type, enabled=self.dtype is torch.float16)

    def state(self) -> dict[str, str]:
        """Return the kind of device and the format, for a checkpoint."""
        return {"device": self.device.type, "dtype": self.name}

    def as_before(self, state: dict[str, str]) -> "Precision":
        """Return the format in `state`, if saved on the same kind of device.

        Another card of that kind may lack bf16, and a resumed training must not change its format.
        """
        if state["device"] != self.device.type:
            return self
        return replace(self, dtype=_DTYPES[cast(Dtype, state["dtype"])])


def auto_dtype(devices: Iterable[torch.device]) -> Dtype:
    """Return the format of `auto` for a training on any of `devices`.

    On CUDA it is bf16 where every card computes in it, else fp16; on anything else fp32. A rule and not a measurement:
    what a neighbour on the machine does must not decide the numbers of a training. On CPUs bf16 convolutions were 4 to
    16 times slower with torch 2.13 and later, also on processors with instructions for bf16 (pytorch issue 183815).
    """
    formats = {_fastest(device) for device in devices}
    # the least that a card among them can do: a trial must get the same numbers on any of them
    return next(name for name in ("fp32", "fp16", "bf16") if name in formats)


def _fastest(device: torch.device) -> Dtype:
    if device.type != "cuda":
        return "fp32"
    with torch.cuda.device(device):
        # note: with emulation, torch calls bf16 supported on cards that compute it in float32
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
