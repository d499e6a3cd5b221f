"""What a training step frees stays in the process."""

import resource
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the setting is glibc's")

FAULTS = """
import resource, sys, torch
from hpo.training.machine.allocator import keep_freed_memory, return_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(16_000_000)  # 64 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(open("/proc/self/statm").read().split()[1])

usual = faults()
keep_freed_memory()
faults(), faults()  # until the heap has found its size
kept, held = faults(), resident()
return_freed_memory()
print(usual, kept, held - resident())
"""


def test_memory_is_asked_for_once_and_given_back_at_the_end() -> None:
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    usual, kept, returned = map(int, done.stdout.split())
    pages = 64_000_000 // resource.getpagesize()
    assert usual > 10 * kept
    assert returned > pages // 2
