"""The images of a split, gathered batch by batch."""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .ahead import ahead
from .pack import Split
from .pages import in_memory, read_nothing_else, read_rows

Batch = tuple[Tensor, Tensor]
Rows = NDArray[np.int64]

_SHARE_OF_FREE_MEMORY = 0.3  # a split may take this much of a device's free memory; the rest is for the model
_THREADS = 2  # each has all the rows of a batch read at once, so that more of them would find a disk no busier


class Reader:
    """A reader that gathers batches of a split for a device.

    On a CUDA device the split is moved there once, if it fits, and gathered there. On a CPU it is gathered straight
    from the pack's shared memory map, if that is in memory. Otherwise threads gather the next batches while the device
    is busy with this one: from a map larger than memory, from a disk that is read for the first time, into pinned
    memory for a CUDA device. No process ever holds more than a few batches of its own.
    """

    def __init__(self, split: Split, device: torch.device) -> None:
        self._split, self._device = split, device
        self._values = _shared(split.images), _shared(split.labels)
        self._copies: torch.cuda.Stream | None = None
        if device.type == "cuda":
            if _fits(split.images.nbytes, device):
                self._values = self._values[0].to(device), self._values[1].to(device)
            else:
                self._copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def batches(self, parts: Sequence[Rows]) -> Iterator[Batch]:
        """Yield images uint8 [B, H, W, C] and labels int64 [B] per part.

        On the device, for the rows [B] of each part; the caller may keep and change them.
        """
        if self._copies is not None:
            return map(self._arrived, ahead(self._sent, parts, threads=_THREADS))
        if self._device.type == "cuda" or in_memory(self._split.images):
            return map(self._gathered, parts)
        read_nothing_else(self._split.images)  # random rows: read-ahead would read the wrong ones
        return ahead(self._read, parts, threads=_THREADS)

    def _gathered(self, part: Rows) -> Batch:
        images, labels = self._values
        rows = torch.from_numpy(part).to(images.device)
        return images.index_select(0, rows), labels.index_select(0, rows)  # [B, H, W, C], [B]

    def _read(self, part: Rows) -> Batch:
        """Gather a batch in a thread.

        NumPy copies rows without the lock of Python, and without threads of its own as torch has.
        """
        read_rows(self._split.images, part)
        images = self._empty((len(part), *self._split.images.shape[1:]))
        np.take(self._split.images, part, axis=0, out=images.numpy(), mode="clip")  # other modes copy once more
        return images, torch.from_numpy(self._split.labels[part])

    def _empty(self, shape: tuple[int, ...]) -> Tensor:
        """Return an empty tensor, pinned for a CUDA device if possible."""
        if self._copies is not None:
            try:
                # From torch's cache, which gives a block out again only once the copy that reads it has ended.
                return torch.empty(shape, dtype=torch.uint8, pin_memory=True)
            except RuntimeError:  # no more pinned memory to be had: the copy is then synchronous, but right
                pass
        return torch.empty(shape, dtype=torch.uint8)

    def _sent(self, part: Rows) -> tuple[Batch, torch.cuda.Event]:
        """Send a batch to the device from a thread.

        On a stream of its own beside the computation.
        """
        assert self._copies is not None
        images, labels = self._read(part)
        with torch.cuda.stream(self._copies):
            batch = images.to(self._device, non_blocking=True), labels.to(self._device, non_blocking=True)
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record(self._copies)
        return batch, event

    def _arrived(self, sent: tuple[Batch, torch.cuda.Event]) -> Batch:
        """Return a sent batch once the device may use it.

        The computation waits on the device for the copy; this thread does not.
        """
        batch, event = sent
        stream = torch.cuda.current_stream(self._device)
        stream.wait_event(event)
        for values in batch:
            # note: else the allocator might give the memory away while the computation still reads it
            values.record_stream(stream)
        return batch


def _shared(array: NDArray[np.generic]) -> Tensor:
    """Return the array as a tensor over the same memory.

    Nobody may write to it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.asarray(array))


def _fits(size: int, device: torch.device) -> bool:
    free, _ = torch.cuda.mem_get_info(device)
    return size <= _SHARE_OF_FREE_MEMORY * free
