"""Out of memory: detection, smaller passes, and the peak.

No room is a reason for smaller passes, and where they do not help a result, not an exception.
"""

from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Self

import torch

# Texts of RuntimeErrors for it, beside torch.OutOfMemoryError: of torch's CPU allocator, of cuBLAS and of CUDA itself.
_SIGNS = ("can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED", "out of memory")
# images of a pass that keeps no activations: large enough to keep a device busy, halved where memory is short
_EVAL_BATCH = 512


@dataclass(frozen=True, slots=True)
class Passes:
    """Images in a forward pass, in training (None: a whole batch) and evaluation."""

    train: int | None
    evaluate: int = _EVAL_BATCH

    def smaller_train(self, batch_size: int, least: int) -> Self | None:
        """Half as many in training; None where `least` images are too many."""
        current = min(self.train or batch_size, batch_size)
        # rounded up, so that 3 becomes 2 and not 1
        smaller = max((current + 1) // 2, least)
        return replace(self, train=smaller) if smaller < current else None

    def smaller_evaluate(self) -> Self | None:
        """Half as many in evaluation; None where one image is too many."""
        return replace(self, evaluate=self.evaluate // 2) if self.evaluate > 1 else None

    def to_json(self) -> dict[str, int | None]:
        """Return JSON values for a checkpoint; `Passes(**value)` reads them."""
        return asdict(self)


def count_passes(images: int, most: int | None, least: int) -> int:
    """The number of passes of nearly equal size over a batch of `images`.

    None has fewer than `least` images, unless the batch has, and then none more than `most` (None: no limit): where the
    two contradict each other, as over an odd batch in twos, one pass is an image larger.
    """
    return 1 if most is None else max(1, min(ceil(images / most), images // least))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that device or machine are out of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def watch_peak(device: torch.device) -> None:
    """Reset the peak of `peak_memory`."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> dict[str, float]:
    """Return `peak_memory_mb`, the peak since `watch_peak` in MiB, on CUDA only.

    What tensors took, without what the allocator holds in reserve.
    """
    if device.type != "cuda":
        return {}
    return {"peak_memory_mb": torch.cuda.max_memory_allocated(device) / 2**20}
