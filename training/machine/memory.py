"""Out of memory: detection, smaller passes, and the peak.

No room is a reason for smaller passes, and where they do not help a result, not an exception.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Self

import torch

from ..report import Status

# Texts of RuntimeErrors for it, beside torch.OutOfMemoryError: of torch's CPU allocator, of CUDA and of its libraries.
_SIGNS = ("can't allocate memory", "not enough memory", "out of memory", "_ALLOC_FAILED", "_ALLOCATION_FAILED")
# What cuDNN and cuBLAS say where they get no workspace, and for other reasons as well: it counts where a card is full.
_SIGNS_ON_A_FULL_CARD = (
    "CUDNN_STATUS_NOT_SUPPORTED",
    "CUDNN_STATUS_INTERNAL_ERROR",
    "CUDNN_STATUS_NOT_INITIALIZED",
    "CUBLAS_STATUS_NOT_INITIALIZED",
    "CUBLAS_STATUS_INTERNAL_ERROR",
    "unable to find an engine to execute",
)
# share of a card's memory below which it is full: workspaces take hundreds of MiB on a card of 8 GiB
_FULL = 0.1
# of another process, at least: less may be the context and the kernels of this process, which no counter shows
_OTHERS_BYTES = 2**30
# images of a pass that keeps no activations: large enough to keep a device busy, halved where memory is short
_EVAL_BATCH = 512
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes, of what getrusage(2) says


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


@dataclass(frozen=True, slots=True)
class Card:
    """The memory of a CUDA card in bytes: what is free, all of it, and what this process's tensors hold."""

    free: int
    total: int
    own: int

    @classmethod
    def of(cls, device: torch.device | int) -> Self:
        """Return the memory of a CUDA device.

        Raises:
            RuntimeError: an error before has broken its context.
        """
        return cls(*torch.cuda.mem_get_info(device), torch.cuda.memory_reserved(device))

    @property
    def full(self) -> bool:
        """Whether there may be no room for a workspace."""
        return self.free < _FULL * self.total

    @property
    def others(self) -> int:
        """What other processes hold, 0 where that may be this process's own context."""
        held = self.total - self.free - self.own
        return held if held >= _OTHERS_BYTES else 0


def cards_in_use() -> list[Card]:
    """Return the cards that this process uses; none where CUDA is not in use."""
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return []
    current = torch.cuda.current_device()
    # note: asking about a card that is not in use would make a context there
    used = [i for i in range(torch.cuda.device_count()) if i == current or torch.cuda.memory_reserved(i)]
    try:
        return [Card.of(index) for index in used]
    except RuntimeError:  # the context is broken: then it is not for want of memory
        return []


def is_out_of_memory(error: BaseException, cards: Callable[[], Sequence[Card]] = cards_in_use) -> bool:
    """Whether `error` says that device or machine are out of memory.

    Some errors of CUDA's libraries say so where one of the `cards` is full, and something else where none is.
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    text = str(error)
    if any(sign in text for sign in _SIGNS):
        return True
    return any(sign in text for sign in _SIGNS_ON_A_FULL_CARD) and any(card.full for card in cards())


def judge_shortage(error: BaseException, card: Card | None, *, alone: bool) -> tuple[Status, str]:
    """Return the status and the message of a training that ran out of memory.

    CROWDED unless it was to be `alone` on the `card` (None: a CPU), where other processes hold some of it: then nothing
    is known of the training itself.
    """
    reason = str(error).strip().splitlines()[0]  # torch appends pages of allocator statistics
    if card is None or not card.others:
        return Status.OUT_OF_MEMORY, reason
    status = Status.OUT_OF_MEMORY if alone else Status.CROWDED
    return status, f"{reason} (other processes hold {card.others / 2**30:.1f} GiB of the card)"


def watch_peak(device: torch.device, *, of_process: bool = False) -> None:
    """Reset the peak of `peak_memory` and, with `of_process`, that of this process."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif of_process:
        with suppress(OSError):  # not on Linux: then it is the peak since the process began
            Path("/proc/self/clear_refs").write_text("5")  # the peak of what is resident, see proc(5)


def peak_memory(device: torch.device) -> dict[str, float]:
    """Return `peak_memory_mb`, the peak since `watch_peak` in MiB, on CUDA only.

    What tensors took, without what the allocator holds in reserve.
    """
    if device.type != "cuda":
        return {}
    return {"peak_memory_mb": torch.cuda.max_memory_allocated(device) / 2**20}


def peak_memory_gb(device: torch.device) -> float:
    """Return the peak since `watch_peak` in GiB: of the tensors on a card, else of all that this process holds."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)) / 2**30
    return getrusage(RUSAGE_SELF).ru_maxrss * _RSS_UNIT / 2**30
