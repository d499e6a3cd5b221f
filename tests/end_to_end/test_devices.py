"""A search whose trials train on several devices, processes on the CPU here."""

import json
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from .conftest import Shell, finish
from .test_shared_checkpoints import SLOW_NET

pytestmark = pytest.mark.slow

REPLICA = "hpo.training.loop.replica"


def replicas_of(pid: int) -> list[psutil.Process]:
    replicas = []
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                replicas += [child] * (REPLICA in child.cmdline())
    return replicas


def test_a_trial_goes_on_where_one_of_its_devices_is_gone(
    cold_shell: Shell, shell: Shell, wait_until: Callable[..., None]
) -> None:
    (shell.directory / "net.py").write_text(SLOW_NET)
    model = ("--set", "model={name: ./net.py:Net}", "--devices-per-trial", "2", "--workers", "1")
    # its processes are found by their command lines, which those of warm commands do not have
    search = cold_shell.start(*cold_shell.search_command(*model, "--json", trials=1, epochs=4))
    folder = shell.directory / "runs/simple_cnn"
    wait_until(lambda: (folder / "trials/0/last.ckpt").exists(), "an epoch has ended")
    (replica,) = replicas_of(search.pid)
    replica.kill()
    done = finish(search, 60)
    assert done.code == 0, done.err
    assert done.json["trials"]["complete"] == 1
    history = json.loads((folder / "trials/0/result.json").read_text())["history"]
    assert [report["epoch"] for report in history] == [*range(1, 5)]
    assert json.loads((folder / "trials/0/config.json").read_text())["devices"] == 2
    assert "the process of device 1 of the training ended" in (folder / "workers/worker-0.log").read_text()
    psutil.wait_procs([replica], 10)
    other = shell.search("--set", "model={name: ./net.py:Net}", trials=2)
    assert "devices" in other.refused()
    best = shell.run("retrain-best", "--tracking-uri", "none", "--json")
    assert best.code == 0, best.err
    assert "2 processes on the CPU" in best.err


def test_what_is_refused(shell: Shell) -> None:
    none = shell.search("--devices-per-trial", "0").refused()
    assert "--set devices=0: devices: must be greater than or equal to 1, got 0" in none
    assert "compile must be off or auto" in shell.search("--devices-per-trial", "2", "--set", "compile=on").refused()
