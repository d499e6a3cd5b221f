"""The number format and compilation that `auto` stands for on one machine.

Decided once, then part of the configuration. No torch.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, cast

from ..config import TrialConfig

Dtype = Literal["fp32", "bf16", "fp16"]
Compile = Literal["off", "on"]


@dataclass(frozen=True, slots=True)
class Numerics:
    """How a training computes: number format, compiled or not.

    `dtype` is that of the forward pass; `note` says why it is compiled or not.
    """

    dtype: Dtype
    compile: Compile
    note: str = ""

    @classmethod
    def of(cls, config: TrialConfig) -> Self:
        """Return those of a settled configuration."""
        return cls(cast(Dtype, config.precision.dtype), cast(Compile, config.compile))

    @property
    def words(self) -> str:
        """The words for people: `fp32`, or `bf16, compiled`."""
        return f"{self.dtype}, compiled" if self.compile == "on" else self.dtype

    def settle(self, config: TrialConfig) -> TrialConfig:
        """Return `config` with these values in place of `auto`.

        What is not `auto` stays.
        """
        update: dict[str, Any] = {}
        if config.precision.dtype == "auto":
            update["precision"] = config.precision.model_copy(update={"dtype": self.dtype})
        if config.compile == "auto":
            update["compile"] = self.compile
        return config.model_copy(update=update)

    def to_json(self) -> dict[str, str]:
        """Return JSON values; `Numerics(**value)` reads them."""
        return asdict(self)


ON_A_CPU = Numerics("fp32", "off")
"""What `auto` means on a CPU where nothing asks whether compiling pays."""
