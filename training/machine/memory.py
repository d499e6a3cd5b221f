"""Out of memory: a reason to take smaller steps, and where that does not help a result, not an accident."""

from dataclasses import asdict, dataclass, replace
from typing import Self

import torch

_SIGNS = ("can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED", "out of memory")
_EVAL_BATCH = 512


@dataclass(frozen=True, slots=True)
class Passes:
    """How many images a forward pass takes: in training (None: a whole batch) and in evaluation."""

    train: int | None
    evaluate: int = _EVAL_BATCH

    def smaller_train(self, batch_size: int) -> Self | None:
        """Half as many in training; None where one image is too many already."""
        now = min(self.train or batch_size, batch_size)
        return replace(self, train=(now + 1) // 2) if now > 1 else None

    def smaller_evaluate(self) -> Self | None:
        """Half as many in evaluation; None where one image is too many already."""
        return replace(self, evaluate=self.evaluate // 2) if self.evaluate > 1 else None

    def to_json(self) -> dict[str, int | None]:
        """For a checkpoint: `Passes(**value)` is the inverse."""
        return asdict(self)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that the device, or the machine, has no memory left; torch has several ways to say it."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def watch_peak(device: torch.device) -> None:
    """Begin to measure the peak anew."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> dict[str, float]:
    """`peak_memory_mb`: the most that tensors took on a CUDA device since `watch_peak`, in MiB; nothing on others."""
    if device.type != "cuda":
        return {}
    return {"peak_memory_mb": torch.cuda.max_memory_allocated(device) / 2**20}
