"""How many cores a process may use, and that none of ours spins on one while it waits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hpo.common.cores import available_cores, threads_here
from hpo.search.executors.worker_process import Placement, Ready, WorkerProcess

POLICY = "OMP_WAIT_POLICY"
SERVER = """
import os
from hpo.common.children import spawn_context
if __name__ == "__main__":
    child = spawn_context().Process(target=os.system, args=("echo $OMP_WAIT_POLICY",))
    child.start(); child.join()
"""


def test_available_cores_are_those_of_this_process() -> None:
    allowed = os.sched_getaffinity(0)
    assert 1 <= available_cores() <= len(allowed)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert available_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(("wanted", "threads"), [("3", 3), ("3,2", 3), ("", None), ("0", None), ("many", None)])
def test_a_computation_here_has_the_threads_that_its_user_wants(
    wanted: str, threads: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert threads_here() == (threads or available_cores())


def test_the_threads_of_a_worker_sleep_while_they_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(POLICY)
    monkeypatch.setenv("OMP_DISPLAY_ENV", "TRUE")  # the runtime that torch brings says what it obeys
    log = tmp_path / "log"
    worker = WorkerProcess(Placement(threads=2), log)
    try:
        assert worker.connection.poll(60)
        assert isinstance(worker.connection.recv(), Ready)
    finally:
        worker.kill()
    assert f"{POLICY} = 'PASSIVE'" in log.read_text()


@pytest.mark.parametrize(("given", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_so_do_those_of_a_servers_processes_unless_the_user_has_chosen(
    tmp_path: Path, given: str | None, expected: str
) -> None:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    kept = {name: value for name, value in os.environ.items() if name != POLICY}
    environment = {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **({POLICY: given} if given else {})}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{expected}\n"
