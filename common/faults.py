"""What the machine does to a program: errors that say nothing about the work at hand."""

import errno
import re
from collections.abc import Iterator

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENODEV}
_SQLITE = ("database or disk is full", "disk I/O error", "attempt to write a readonly database")
_PROCESS = {errno.ENOMEM, errno.EMFILE}
_DEVICE = re.compile(r"(CUDA|HIP|CUDA driver|cuDNN) error\b|CUBLAS_STATUS_|CUDNN_STATUS_")


def disk_fault(error: BaseException) -> str:
    """What is wrong with a disk (full, over a quota, read-only, gone) where that is behind `error`; else empty."""
    for each in _with_causes(error):
        if isinstance(each, OSError) and each.errno in _DISK:
            return f"{each.strerror}: {each.filename}" if each.filename else str(each.strerror)
        if words := next((words for words in _SQLITE if words in str(each)), ""):
            return words
    return ""


def needs_new_process(error: BaseException) -> bool:
    """Whether nothing more can be done in this process after `error`, and all of it in another.

    After an error of the driver each later call on the card fails, too; the memory and the files that a process has
    open are free again when it ends.
    """
    return any(map(_ends_process, _with_causes(error)))


def _ends_process(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _PROCESS):
        return True
    return isinstance(error, RuntimeError) and _DEVICE.match(str(error)) is not None


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
