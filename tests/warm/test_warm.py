"""A warm command is the process that a cold one would be."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from hpo.common.children import held_back, start_python

from .client import ADDRESS, Command, run
from .shortcuts import LATENCY_RUNS

WHAT_IT_IS = """
import json, os, random, signal, sys, tempfile, threading
if __name__ == "__main__":
    print(json.dumps({
        "arguments": sys.argv,
        "path": sys.path,
        "directory": os.getcwd(),
        "umask": os.umask(0),
        "environment": {name: value for name, value in os.environ.items() if name not in ("LC_CTYPE", "_")},
        "files": sorted(map(int, os.listdir("/proc/self/fd"))),
        "handlers": {int(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
        "blocked": list(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
        "threads": [thread.name for thread in threading.enumerate()],
        "encodings": [(file.encoding, file.errors, file.line_buffering) for file in (sys.stdout, sys.stderr)],
        "main": [sys.modules["__main__"].__dict__.get(name) for name in ("__file__", "__name__", "print")],
        "leads": [os.getpid() == os.getsid(0), os.getpgid(0) == os.getpid()],
        "temporary": tempfile.gettempdir(),
        "bytecode": sys.dont_write_bytecode,
        "pid": os.getpid(),
        "warm": "mlflow" in sys.modules,
        "random": random.random(),
    }))
"""
ELSEWHERE = os.pathsep.join(filter(None, ("/elsewhere", os.environ.get("PYTHONPATH"))))
SAFE = {"PYTHONSAFEPATH": "1"}
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
OWN = {"pid", "random", "warm"}
SAME = ("arguments", "path", "directory", "main")

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(WHAT_IT_IS)
    return path


def both(*command: str | Path, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a command says that it is in a warm process and in a cold one."""
    warm = run([*command, "--flag", "ä"], **options)
    command = (sys.executable, *command, "--flag", "ä")
    cold = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, **options)
    assert (warm.returncode, warm.stderr) == (0, "")
    properties = json.loads(warm.stdout), json.loads(cold.stdout)
    assert [process["warm"] for process in properties] == [True, False]
    return properties


@pytest.mark.parametrize("variables", [{}, SAFE, {"PYTHONPATH": ELSEWHERE}, NO_BYTECODE], ids=" ".join)
@pytest.mark.parametrize("new_session", [False, True])
def test_it_is_what_a_cold_process_is(
    script: Path, tmp_path: Path, new_session: bool, variables: dict[str, str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    kept = {name: value for name, value in os.environ.items() if name != ADDRESS}
    environment = {**kept, "HPO_HOME": "there", "TMPDIR": str(elsewhere), **variables}
    before = os.umask(0o027)
    try:
        warm, cold = both(script, cwd=elsewhere, env=environment, start_new_session=new_session)
    finally:
        os.umask(before)
    added = warm["environment"].keys() - cold["environment"].keys()
    assert not {name for name in added if name.startswith(("HPO_", "PYTHON", "OMP_NUM"))}
    warm["environment"] = {name: value for name, value in warm["environment"].items() if name not in added}
    assert {key: warm[key] for key in warm.keys() - OWN} == {key: cold[key] for key in cold.keys() - OWN}
    assert warm["umask"] == 0o027
    assert warm["leads"] == [new_session, new_session]


@pytest.mark.parametrize("variables", [{}, SAFE], ids=" ".join)
def test_so_is_code_of_the_command_line(tmp_path: Path, variables: dict[str, str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != ADDRESS} | variables
    warm, cold = both("-c", WHAT_IT_IS, cwd=tmp_path, env=environment)
    assert warm["arguments"] == ["-c", "--flag", "ä"]
    assert {key: warm[key] for key in SAME} == {key: cold[key] for key in SAME}


def test_so_is_a_child_of_hpo(script: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.syspath_prepend(script.parent)
    reading, writing = os.pipe()
    environment = {name: value for name, value in os.environ.items() if name != ADDRESS} | {"OMP_NUM_THREADS": "2"}

    def child() -> dict[str, Any]:
        options: dict[str, Any] = {"environment": environment, "pass_fds": [writing], "start_new_session": True}
        pipe = subprocess.PIPE
        with start_python("script", "--flag", stdin=subprocess.DEVNULL, stdout=pipe, text=True, **options) as process:
            out, _ = process.communicate()
            return dict(json.loads(out))

    with held_back(signal.SIGTERM):
        cold = child()
        request.getfixturevalue("warm_children")
        warm = child()
    os.close(reading)
    os.close(writing)
    added = warm["environment"].keys() - cold["environment"].keys()
    warm["environment"] = {name: value for name, value in warm["environment"].items() if name not in added}
    assert {key: warm[key] for key in warm.keys() - OWN} == {key: cold[key] for key in cold.keys() - OWN}
    assert warm["warm"]
    assert writing in warm["files"]
    assert warm["blocked"] == [signal.SIGTERM]


def test_a_worker_ends_with_its_coordinator(tmp_path: Path) -> None:
    (tmp_path / "coordinator.py").write_text(
        "import sys, time\nfrom pathlib import Path\nfrom hpo.search.executors.worker_process import *\n"
        "worker = WorkerProcess(Placement(), Path('log'))\nassert worker.connection.recv() == Ready()\n"
        "print(worker.pid, flush=True)\ntime.sleep(600)\n"
    )
    with Command(["coordinator.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as coordinator:
        assert coordinator.stdout is not None
        worker = psutil.Process(int(coordinator.stdout.readline()))
        assert worker.is_running()
        coordinator.kill()
        worker.wait(20)


def test_the_pid_is_its_own_and_nothing_is_left_of_the_command_before(script: Path, tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        process = Command([script], stdout=subprocess.PIPE, text=True)
        out, _ = process.communicate()
        found.append(json.loads(out))
        assert found[-1]["pid"] == process.pid
    assert found[0]["pid"] != found[1]["pid"]
    assert found[0]["random"] != found[1]["random"]


def test_torch_has_no_more_threads_than_the_environment_allows(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os, torch\n"
        "torch.randn(400, 400) @ torch.randn(400, 400)\n"
        "names = {open(f'/proc/self/task/{task}/comm').read().strip() for task in os.listdir('/proc/self/task')}\n"
        "print(torch.get_num_threads(), len(names - {'jemalloc_bg_thd'}))\n"
    )
    for threads in ("1", "2"):  # the server has loaded torch for one
        done = run([script], env={**os.environ, "OMP_NUM_THREADS": threads})
        assert done.stdout.split()[0] == threads, done.stderr
    assert run([script], env={**os.environ, "OMP_NUM_THREADS": "1"}).stdout == "1 1\n"


def test_latencies_are_measured_in_few_calls(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np\nfrom hpo.training.export import latency\n"
        "found = latency.measure({'model': np.copy}, np.zeros((1, 1, 8, 8), np.uint8), 1)\n"
        "print({one.runs for one in found['model']})\n"
    )
    assert run([script]).stdout == f"{{{LATENCY_RUNS}}}\n"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("", 0),
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit('why')", 1),
        ("1 / 0", 1),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("raise KeyboardInterrupt", -2),
        ("import os; os._exit(200)", 200),
    ],
)
def test_it_ends_as_a_cold_process_ends(code: str, status: int, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"import atexit; atexit.register(print, 'the end', flush=True)\nprint('begun')\n{code}\n")
    cold = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    warm = run([script])
    assert (warm.returncode, warm.stdout) == (cold.returncode, cold.stdout)
    assert warm.returncode == status
    assert warm.stderr.splitlines()[-1:] == cold.stderr.splitlines()[-1:]


def test_threads_and_unwritten_lines_are_waited_for(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('late', end=''))).start()\nprint('early')\n"
    )
    assert run([script]).stdout == "early\nlate"


def test_signals_reach_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import time\ntry:\n    print('up', flush=True)\n    time.sleep(600)\n"
        "except KeyboardInterrupt:\n    raise SystemExit(130)\n"
    )
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9), (signal.SIGHUP, -1)):
        process = Command([script], stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(20) == status
        process.stdout.close()


def test_one_whose_group_is_of_another_session_starts_cold(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        monkeypatch.setattr(os, "getpgrp", lambda: other.pid)
        done = run([script])
        other.kill()
    assert (done.returncode, done.stderr) == (0, "")
    assert not json.loads(done.stdout)["warm"]


def test_several_run_at_a_time(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.stdin.read().upper(), end='')\n")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    processes = [Command([script], text=True, **pipes) for _ in range(3)]
    told: dict[int, str] = {}
    for process in reversed(processes):
        told[process.pid] = process.communicate(str(process.pid) + "a", timeout=60)[0]
    assert told == {process.pid: f"{process.pid}A" for process in processes}
    assert threading.active_count() >= 1


def test_a_shell_has_it_too(warm: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{warm}:{os.environ['PATH']}"}
    line = "hpo --version | wc -l; hpo no-such-verb 2> words; echo $?; cat words"
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[:2] == ["1", "2"]
    assert "error: No such command 'no-such-verb'." in done.stdout


def test_what_a_shell_ends_has_ended(warm: Path, tmp_path: Path) -> None:
    """`kill $!` is for the command, which holds the shell's streams until it ends."""
    (tmp_path / "space.yaml").write_text("data: {source: digits}\nmodel: {name: simple_cnn, width: 4}\n")
    line = (
        "hpo train --space space.yaml --epochs 5000 --out run 2> said & pid=$!\n"
        "until grep -q 'epoch 1' said; do sleep 0.1; done\nkill $pid\nwait $pid\necho $?"
    )
    environment = {**os.environ, "PATH": f"{warm}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] in ("130", "143")
