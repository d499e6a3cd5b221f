"""What could hold up an answer from inside the interpreter."""

import gc
import sys
from collections.abc import Iterator

import pytest
from hpo.serving.pauses import avoid_pauses


@pytest.fixture
def restored() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    gc.unfreeze()
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restored")
def test_what_is_loaded_is_left_alone_and_threads_take_short_turns() -> None:
    avoid_pauses()
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 5_000
    assert sys.getswitchinterval() <= 0.001
