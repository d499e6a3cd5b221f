"""What is the machine's fault, and what is the trial's."""

import errno
import os
import sqlite3

import pytest
from hpo.common.faults import disk_fault, needs_new_process
from hpo.errors import MachineError
from hpo.training.checkpoints.checkpoint import CheckpointError
from sqlalchemy.exc import OperationalError

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "last.ckpt")


def behind(cause: BaseException) -> CheckpointError:
    """An error of ours, raised from `cause`."""
    try:
        raise CheckpointError("trials/3: the checkpoint could not be written") from cause
    except CheckpointError as error:
        return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FULL, "No space left on device: last.ckpt"),
        (behind(behind(FULL)), "No space left on device: last.ckpt"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "Disk quota exceeded"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), "Read-only file system"),
        (sqlite3.OperationalError("database or disk is full"), "database or disk is full"),
        (OperationalError("INSERT", {}, sqlite3.OperationalError("disk I/O error")), "disk I/O error"),
        (OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN), "pack"), "Transport endpoint is not connected: pack"),
        (
            MachineError("trials/3: the folder could not be made: Permission denied"),
            "trials/3: the folder could not be made: Permission denied",
        ),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "x"), ""),
        (behind(ValueError("boom")), ""),
    ],
)
def test_a_disk_that_takes_nothing_is_told_from_other_errors(error: BaseException, words: str) -> None:
    assert disk_fault(error) == words
    assert not needs_new_process(error)


@pytest.mark.parametrize(
    ("error", "needed"),
    [
        (RuntimeError("CUDA error: an illegal memory access was encountered\nhints"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), True),
        (behind(RuntimeError("CUDA error: out of everything")), True),
        (MemoryError(), True),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), True),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("CUDA error: in a text of somebody else's"), False),
    ],
)
def test_after_some_errors_a_process_is_of_no_use(error: BaseException, needed: bool) -> None:
    assert needs_new_process(error) is needed
