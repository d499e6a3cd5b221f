"""What the tests of the training room share."""

import resource
from collections.abc import Callable, Iterator

import pytest
import torch

_LIMIT_BYTES = 8_192


@pytest.fixture
def full_disk() -> Iterator[Callable[[], None]]:
    """A function after which no file can grow beyond 8 KiB: the kernel refuses the write, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT_BYTES, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums that do not depend on how many cores there are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
