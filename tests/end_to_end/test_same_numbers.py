"""One configuration and one seed are one result, whatever else the machine does."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from hpo.training.checkpoints.checkpoint import load

from .conftest import SMALL, Shell
from .test_train_command import metrics

pytestmark = pytest.mark.slow


@pytest.fixture
def neighbour() -> Iterator[None]:
    """A process that keeps a core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield
    process.kill()
    process.wait()


@pytest.mark.usefixtures("neighbour")
@pytest.mark.parametrize("mode", ["off", "auto"])
def test_beside_a_busy_process_the_bits_are_the_same(mode: str, shell: Shell) -> None:
    found = []
    for number in range(2):
        out = f"run{number}"
        done = shell.run(
            "train", *SMALL, "--epochs", "2", "--device", "cpu", "--set", f"compile={mode}", "--out", out, "--json"
        )
        assert done.code == 0, done.err
        assert ", cpu, fp32\n" in done.err
        found.append((metrics(done.json), load(shell.directory / out / "best.ckpt")["model"]))
    assert found[0][0] == found[1][0]
    assert all((found[0][1][key] == found[1][1][key]).all() for key in found[0][1])
