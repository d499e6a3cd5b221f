"""The coordinator's place among processes."""

import os
import subprocess
import sys

import pytest
from hpo.search.executors.background import in_background

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells and takes scheduling policies")

CHILD = """
import os
from hpo.search.executors.background import in_foreground
print(os.sched_getscheduler(0))
in_foreground()
print(os.sched_getscheduler(0))
"""


def test_the_coordinator_steps_back_and_its_workers_do_not() -> None:
    with in_background():
        assert os.sched_getscheduler(0) == os.SCHED_BATCH
        child = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, check=True)
    assert list(map(int, child.stdout.split())) == [os.SCHED_BATCH, os.SCHED_OTHER]
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_an_error_ends_it() -> None:
    with pytest.raises(KeyError), in_background():
        raise KeyError
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
