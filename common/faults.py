"""Machine faults: errors that say nothing about the work at hand."""

import errno
import re
from collections.abc import Iterator

from ..errors import MachineError, TrainingError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
# a network share, a mounted archive or a disk that went away
_GONE = {errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.EHOSTDOWN, errno.EREMOTEIO}
_DISK = _FULL | _GONE
# SQLAlchemy wraps sqlite3's errors, which carry no errno: only the words are left
_SQLITE = ("database or disk is full", "disk I/O error", "attempt to write a readonly database")
_PROCESS = {errno.ENOMEM, errno.EMFILE}
_DEVICE = re.compile(r"(CUDA|HIP|CUDA driver|cuDNN) error\b|CUBLAS_STATUS_|CUDNN_STATUS_")


class ReplicaError(TrainingError):
    """Another device of a training has failed, or its process is gone."""

    exit_code = 1


def disk_fault(error: BaseException) -> str:
    """Describe the disk fault behind `error`; empty where there is none.

    The disk is full, over a quota, read-only or gone; of hpo's own files any error says so (MachineError).
    """
    for cause in _with_causes(error):
        if isinstance(cause, MachineError):
            return str(cause)
        if isinstance(cause, OSError) and cause.errno in _DISK:
            return f"{cause.strerror}: {cause.filename}" if cause.filename else str(cause.strerror)
        if words := next((words for words in _SQLITE if words in str(cause)), ""):
            return words
    return ""


def needs_new_process(error: BaseException) -> bool:
    """Tell whether only another process can go on after `error`.

    After an error of the driver each later call on the card fails, too; the memory and the files that a process has
    open are free again when it ends. So are the processes of a training's other devices.
    """
    return any(map(_ends_process, _with_causes(error)))


def _ends_process(error: BaseException) -> bool:
    if isinstance(error, MemoryError | ReplicaError) or (isinstance(error, OSError) and error.errno in _PROCESS):
        return True
    return isinstance(error, RuntimeError) and _DEVICE.match(str(error)) is not None


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        # `raise ... from None` hides a context from people, and not from here
        error = error.__cause__ or error.__context__
