"""The kit for a machine with a GPU, tried on what is here: all of it on the CPU, and steps that fail."""

import contextlib
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

KIT = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu"
MOSTLY_WARM = """#!/bin/sh
case "$1" in
    -m) exec {cold} "$@" ;;
    *) exec {warm} "$@" ;;
esac
"""
"""A Python whose modules (pytest, which imports all of training) start cold, as all of the kit does elsewhere."""


@pytest.fixture(scope="module")
def kit() -> dict[str, Any]:
    return runpy.run_path(str(KIT / "run.py"))


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_every_step_passes_on_a_cpu(tmp_path: Path, warm: Path) -> None:
    python, work, out = tmp_path / "python", tmp_path / "work", tmp_path / "work" / "gpu.json"
    python.write_text(MOSTLY_WARM.format(cold=shlex.quote(sys.executable), warm=shlex.quote(str(warm / "python"))))
    python.chmod(0o755)
    work.mkdir()
    run = f"runpy.run_path({str(KIT / 'run.py')!r}, run_name='__main__')"
    start = f"import runpy, sys; sys.executable = {str(python)!r}; {run}"
    command = [sys.executable, "-c", start, "--device", "cpu", "--quick", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=work)
    steps = {step["name"]: step for step in json.loads(out.read_text())["steps"]}
    assert done.returncode == 0, [(name, step["outcome"], step["tail"]) for name, step in steps.items()]
    assert steps["search, one worker"]["result"]["trials"]["complete"] == 2
    assert steps["retrain, test, export, verify"]["result"]["onnx_top1_agreement"] == 1.0
    assert steps["speed of simple_cnn"]["result"]["ours_by_bare"] > 0
    assert "skipped" in steps["out of memory"]["result"]
    assert list(work.iterdir()) == [out]


def test_a_step_ends_with_its_time_and_with_all_that_it_started(kit: dict[str, Any], tmp_path: Path) -> None:
    script = "import subprocess, sys; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()"
    done = kit["run_step"](kit["Step"]("long", 6, ["-c", script]), tmp_path, os.environ, 60)
    assert done.outcome == "timed out"
    child = int(re.findall(r"\d+", done.tail)[0])
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(child).wait(20)  # the signal is sent; it dies when it has its turn


def test_a_step_that_fails_says_so_and_one_without_time_is_left_out(kit: dict[str, Any], tmp_path: Path) -> None:
    def done(code: str, left_s: float = 60) -> Any:
        return kit["run_step"](kit["Step"]("it", 30, ["-c", code]), tmp_path, os.environ, left_s)

    failed = done("print('{\"a\": {\"b\": 1}}'); raise SystemExit('why')")
    assert (failed.outcome, failed.result) == ("failed", {"a": {"b": 1}})
    assert "why" in failed.tail
    assert done("print(1)").outcome == "ok"
    assert done("print(1)", left_s=1).outcome == "left out"


def test_the_least_time_of_all_steps_is_below_eight_minutes(kit: dict[str, Any]) -> None:
    assert kit["WHOLE_S"] < 480
    names = [step.name for step in kit["steps"]("cuda:0", quick=False)]
    assert len(names) == len(set(names)) == 10


def test_what_is_carried_is_what_is_asked_for_and_not_there() -> None:
    prepare = runpy.run_path(str(KIT / "prepare.py"))
    asked = " ".join(prepare["wanted"]())
    assert "optuna>=5" in asked
    assert "mlflow" not in asked
    assert prepare["plain"]("Ruamel.yaml_X") == "ruamel-yaml-x"
