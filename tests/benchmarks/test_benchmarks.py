"""Every benchmark runs, and what the page on speed says is what the results say."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ..warm.client import run

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")

needs_fashion_mnist = pytest.mark.skipif(
    not FASHION_MNIST.is_dir(), reason=f"{FASHION_MNIST} is missing (apt-get install dataset-fashion-mnist)"
)
needs_postgresql = pytest.mark.skipif(
    not (shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))),
    reason="there is no PostgreSQL (apt-get install postgresql)",
)


def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], env=_environment(), capture_output=True, text=True, check=False)


def benchmark(name: str, *arguments: str) -> str:
    """The standard output of a smoke run of a script, in a warm process."""
    return printed([str(BENCHMARKS / f"{name}.py"), "--quick", *arguments])


def printed(command: list[str]) -> str:
    """What a script prints in a warm process."""
    done = run(command, env=_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HPO_", "MLFLOW_"))}
    return {**kept, "OMP_NUM_THREADS": "1"}


@pytest.fixture(autouse=True)
def _warm(warm: Path) -> None:
    """Scripts start warm."""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("throughput", marks=needs_fashion_mnist),
        "overhead",
        "foretold",
        "table_encodings",
        "augment",
        "growth",
        pytest.param("scale", marks=needs_postgresql),
        "history",
        "coverage",
        "search",
        "suggest_space",
        "several_objectives",
        "larger_than_memory",
        "drift",
        "serving",
        "overload",
        "hostile",
        "monitoring",
    ],
)
def test_a_smoke_run_gives_a_table_and_a_json(name: str, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    check_result(out, benchmark(name, "--out", str(out)))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [pytest.param("live", marks=needs_fashion_mnist), "plan"])
def test_a_smoke_run_of_whole_searches(name: str, tmp_path: Path, warm: Path) -> None:
    """They are processes of their own, which start warm, too."""
    check_changed(tmp_path, f"import {name}\nsys.executable = {str(warm / 'python')!r}\n{name}.main()\n")


@needs_fashion_mnist
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_smoke_run_of_workers(tmp_path: Path, warm: Path) -> None:
    """Searches that are timed start warm; those whose memory is measured share none of it with the server."""
    timed = f"lambda search, timed=workers.timed: timed([{str(warm / 'python')!r}, *search[1:]])"
    check_changed(tmp_path, f"import workers\nworkers.timed = {timed}\nworkers.main()\n")


def check_changed(folder: Path, code: str) -> None:
    """A smoke run by `code`, which changes where a benchmark finds its Python, writes what it outputs."""
    out, starter = folder / "result.json", folder / "starter.py"
    starter.write_text(f"import sys\nsys.path[0] = {str(BENCHMARKS)!r}\n{code}")
    check_result(out, printed([str(starter), "--quick", "--out", str(out)]))


def check_result(out: Path, output: str) -> None:
    """What a smoke run wrote is what it output."""
    result = json.loads(out.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert result["quick"] is True
    assert result["machine"]["processor"]
    assert result["targets"]
    cells = [cell for row in result["rows"] for cell in row.values()]
    assert cells
    assert all(cell in output for cell in cells)
    assert all(target["what"] in output for target in result["targets"])


def test_a_smoke_run_leaves_the_results_alone() -> None:
    where = "import harness; print(harness.target_file(harness.arguments('live', '').parse_args({})))"
    quick, full = (python_there(where.format(flags)) for flags in (["--quick"], []))
    assert Path(quick) == BENCHMARKS / "results" / "quick" / "live.json"
    assert Path(full) == BENCHMARKS / "results" / "live.json"


def python_there(code: str) -> str:
    done = python("-c", f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); {code}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_page_says_what_the_results_say() -> None:
    stale = python_there(
        "import render; print(*(p.name for p in render.PAGES if render.rendered(t := p.read_text()) != t))"
    )
    assert not stale, "run: python benchmarks/render.py"


def test_results_are_of_full_runs_and_small() -> None:
    for path in (BENCHMARKS / "results").glob("*.json"):
        assert json.loads(path.read_text())["quick"] is False
        assert path.stat().st_size < 200_000


def test_a_live_run_goes_on_where_it_was(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
import argparse, json, sys
from pathlib import Path
sys.path[0] = {str(BENCHMARKS)!r}
import live
out = Path({str(tmp_path / "live.json")!r})
setting = {{"size": live.FULL, "peer": "augmented", "recipes": ["own"], "strategies": [None], "processor": "this"}}
slow = live.Search(700.0, [(100.0, 0.8), (690.0, 0.85)])
fast = live.Search(300.0, [(60.0, 0.86), (290.0, 0.9)])
assert live.kept(out, setting) == {{}}
options = argparse.Namespace(out=out, quick=False, name="live")
live.report(options, setting, {{0: live.Turn(slow, {{"own recipe": fast}})}})
found = live.kept(out, setting)
assert list(found) == [0]
ours = found[0].ours["own recipe"]
assert (found[0].peer.best, ours.reaches(0.85), ours.best_at(100.0)) == (0.85, 60.0, 0.86)
assert abs(found[0].share("own recipe") - 60 / 700) < 1e-6
assert live.kept(out, {{**setting, "processor": "another"}}) == {{}}
""")
    printed([str(script)])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_study_of_coverage_goes_on_where_it_was(tmp_path: Path) -> None:
    script, out = tmp_path / "script.py", tmp_path / "result.json"
    script.write_text(f"""
import sys
sys.path[0] = {str(BENCHMARKS)!r}
import coverage
coverage.run_study = lambda number, *rest: {{
    "test_accuracy": 0.8, "test_interval": (0.7, 0.9), "truth": 0.79 + number / 10,
    "best": {{"selected": 0.8, "selected_interval": (0.7, 0.9), "truth": 0.7, "optimism": 0.1 + number / 100}},
    "winner": {{"mean": 0.7, "interval": (0.6, 0.8), "truth": 0.7}},
}}
coverage.main()
""")
    command = [str(script), "--quick", "--out", str(out)]
    printed(command)
    first = json.loads(out.read_text())["measured"]["studies"]
    diary = out.with_suffix(".runs.jsonl")
    assert not diary.exists()
    setting = {"images": 200, "trials": 2, "epochs": 1, "candidates": 2, "seeds": 2, "models": 1, "width": 8}
    setting["pool"] = "Fashion-MNIST" if FASHION_MNIST.is_dir() else "the digits"
    kept, other = {**first[0], "test_accuracy": 0.5}, {**setting, "epochs": 9}
    lines = [{"number": 0, "setting": setting, "study": kept}, {"number": 1, "setting": other, "study": kept}]
    diary.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    printed(command)
    result = json.loads(out.read_text())
    assert [study["test_accuracy"] for study in result["measured"]["studies"]] == [0.5, 0.8]
    held = {row["number"]: row["95 % interval holds the truth"] for row in result["rows"]}
    assert held["test accuracy of the export"].startswith("2 of 2")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ways_of_saving_memory_are_measured(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    benchmark("memory", "--out", str(out))
    runs = json.loads(out.read_text())["measured"]["runs"]
    assert runs["memory.checkpoint_activations: true"][0]["mib"] < runs["as it is"][0]["mib"]
    assert runs["memory.micro_batch: 32"][0]["mib"] < runs["as it is"][0]["mib"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_remedies_against_imbalance_are_measured_and_go_on_where_they_were(tmp_path: Path) -> None:
    _pictures(tmp_path / "cifar")
    out = tmp_path / "result.json"
    done_before = json.dumps((["plain", 0, 1, 100, 10, 16, 8, 64], {"val_balanced_accuracy": 0.5, "val_macro_f1": 0.5}))
    out.with_suffix(".runs.jsonl").write_text(f"{done_before}\n")
    benchmark("imbalance", "--data", str(tmp_path / "cifar"), "--out", str(out))
    rows = json.loads(out.read_text())["rows"]
    assert len(rows) == 8
    assert rows[0]["balanced accuracy"].startswith("0.500")
    assert not out.with_suffix(".runs.jsonl").exists()


def _pictures(root: Path) -> None:
    """As many noisy pictures as a smoke run needs of each of CIFAR-10's classes."""
    random = np.random.default_rng(0)
    classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    for label, name in enumerate(classes):
        for part, count in (("train", 100), ("test", 20)):
            (root / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(20 * label, 20 * label + 70, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{number}.jpg")
