"""What the tests of the training room share."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

_LIMIT_BYTES = 8_192


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that is marked `cuda` is skipped where there is none."""
    if item.get_closest_marker("cuda") and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")


@contextmanager
def full_disk() -> Iterator[None]:
    """Within it no file can grow beyond 8 KiB: the kernel refuses the write, as on a full disk.

    The limit is this very process's, pytest's log included, and so must end with the block that it is for.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums that do not depend on how many cores there are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
