"""All of hpo on a bare machine with a GPU.

Tests, searches, an export, memory, speed.

    python benchmarks/gpu/prepare.py                        # beside a network, once
    python benchmarks/gpu/run.py --out result.json          # there; with --device cpu anywhere, to try the kit itself

Nothing is installed: the tree and the wheels of prepare.py are put on the path of what is started. Every step is a
process with a time limit; one that fails or takes too long stops none of the others, and the JSON is written anew after
each.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WHEELS, DATA = HERE / "carried" / "wheels", HERE / "carried" / "data"
WHOLE_S = 470.0  # of all steps: a machine that is lent for ten minutes has time to start and to hand the JSON back
PATIENCE = 5  # times that in a quick run, which proves that all of it works, on machines that do other things, too
TAIL = 3000  # characters of what a step printed that are kept

CARD = """
import json, torch
machine = {"torch": torch.__version__, "cuda": torch.version.cuda, "cards": torch.cuda.device_count()}
if machine["cards"]:
    card = torch.cuda.get_device_properties(0)
    machine |= {"card": card.name, "memory_gib": round(card.total_memory / 2**30, 1)}
    machine |= {"capability": [card.major, card.minor]}
print(json.dumps(machine))
"""
HPO = ["-c", "from hpo.search.cli import main; main()"]
CUDA_TESTS = ["-m", "pytest", f"--rootdir={ROOT}", "-m", "cuda", "-q", "-rfE"]


@dataclass(frozen=True)
class Step:
    """A command for this Python, with its time limit in seconds."""

    name: str
    limit_s: float
    command: Sequence[str]


@dataclass(frozen=True)
class Done:
    """The outcome of a step.

    ok, failed, timed out or left out; what it printed: an object, last words unless ok.
    """

    name: str
    outcome: str
    seconds: float
    result: Any
    tail: str


def main() -> int:
    """Run every step; return 0 where none failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda:0", help="cuda:0, or cpu, on which it tries itself (default cuda:0)")
    parser.add_argument("--out", type=Path, help="the JSON (default results/gpu-CARD.json)")
    parser.add_argument("--quick", action="store_true", help="the least of everything: proves that it works")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = made_importable(Path(folder))
        work = Path(folder) / "work"
        work.mkdir()
        done = [run_step(Step("card", 60, ["-c", CARD]), work, environment, WHOLE_S)]
        out = options.out or HERE.parent / "results" / f"gpu-{card_name(done[0])}.json"
        began = time.monotonic()
        patience = PATIENCE if options.quick else 1
        for step in steps(options.device, quick=options.quick):
            left_s = WHOLE_S * patience - (time.monotonic() - began)
            done.append(run_step(replace(step, limit_s=step.limit_s * patience), work, environment, left_s))
            print(f"{done[-1].outcome:>9}  {done[-1].seconds:6.1f} s  {step.name}", flush=True)
            write(out, options, done, Path(folder))
    print(f"written to {out}")
    return int(any(each.outcome in ("failed", "timed out") for each in done))


def made_importable(folder: Path) -> dict[str, str]:
    """Return the environment in which `import hpo` is this tree.

    Its dependencies are found in it, too.
    """
    site, tree = folder / "site", folder / "tree"
    there = {canonicalize_name(package.name) for package in distributions()}
    for wheel in sorted(WHEELS.glob("*.whl")):
        if canonicalize_name(wheel.name.partition("-")[0]) in there:
            continue  # what is there fits this Python
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(site)
    tree.mkdir()
    (tree / "hpo").symlink_to(ROOT)
    path = os.pathsep.join(map(str, (tree, site) if site.is_dir() else (tree,)))
    own = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **own, "HPO_HOME": str(folder / "home"), "XDG_STATE_HOME": str(folder / "state")}


def steps(device: str, *, quick: bool) -> list[Step]:
    """Return all steps, in the order of their worth."""
    little = quick or device == "cpu"
    fashion = (DATA / "fashion_mnist").is_dir()
    source, root = ("fashion_mnist", ["--data-root", str(DATA)]) if fashion else ("digits", [])
    trials, epochs = ("2", "1") if little else ("8", "4")
    few = ["--set", "data.max_train=2000", "--set", "data.max_val=500", "--set", "model.width=8"] if little else []
    data = ["--data", source, *root]
    search = [*HPO, "run", "--space", "simple_cnn", *data, "--epochs", epochs, "--trials", trials, "--device", device]
    # named, as by itself it would differ between one worker and four, which are compared
    search += ["--strategy", "pruning", "--tracking-uri", "none", "--json", *few]
    retrain = [*HPO, "retrain-best", "--study", "one", "--device", device, *root, "--tracking-uri", "none", "--json"]
    small = ["--images", "512", "--epochs", "2"] if little else []
    speed = ["--device", device, "--source", source, *root, *small]
    models = ["simple_cnn"] if little else ["simple_cnn", "resnet"]
    return [
        Step("tests that need a card", 90, [*CUDA_TESTS, *cuda_tests()]),
        Step("search, one worker", 70, [*search, "--study", "one", "--workers", "1"]),
        Step("retrain, test, export, verify", 80, retrain),
        Step("search, four workers on one device", 80, [*search, "--study", "four", "--workers", "4"]),
        Step("out of memory", 45, [str(HERE / "memory.py"), "--device", device, "--source", source, *root]),
        Step("a crowded card", 60, [str(HERE / "crowded.py"), "--device", device]),
        *(
            Step(
                f"speed of {model}{', compiled' * compiled}",
                60 + 20 * compiled,
                throughput(model, speed, compiled=compiled),
            )
            for compiled in (False, True)
            for model in models
        ),
    ]


def cuda_tests() -> list[str]:
    """Return the test files that have such tests; to import all others takes longer than they do."""
    files = sorted((ROOT / "tests" / "training").rglob("test_*.py"))
    return [str(file) for file in files if "mark.cuda" in file.read_text()]


def throughput(model: str, options: Sequence[str], *, compiled: bool) -> list[str]:
    """Return the command of throughput.py."""
    return [str(HERE / "throughput.py"), "--model", model, *options, *(["--compile"] if compiled else [])]


def run_step(step: Step, work: Path, environment: Mapping[str, str], left_s: float) -> Done:
    """Run `step` within its limit and `left_s`; its children end with it."""
    limit = min(step.limit_s, left_s)
    if limit < 5:
        return Done(step.name, "left out", 0.0, None, "no time was left")
    began, outcome = time.monotonic(), "ok"
    with subprocess.Popen(
        [sys.executable, *step.command],
        cwd=work,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            printed, errors = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            printed, errors = process.communicate()
            outcome = "timed out"
    if outcome == "ok" and process.returncode not in (0, 5):  # 5: pytest found no test to run
        outcome = "failed"
    tail = "" if outcome == "ok" else (printed + errors)[-TAIL:]
    return Done(step.name, outcome, round(time.monotonic() - began, 1), last_object(printed), tail)


def last_object(printed: str) -> Any:
    """Return the last JSON object that a step printed, or None.

    Over one line or several.
    """
    for start in (index for index, sign in enumerate(printed) if sign == "{"):
        try:
            return json.loads(printed[start:])
        except json.JSONDecodeError:
            continue
    return None


def card_name(card: Done) -> str:
    """Return the card as part of a file's name."""
    name = (card.result or {}).get("card", "none")
    return "-".join(str(name).lower().split())


def write(out: Path, options: argparse.Namespace, done: Sequence[Done], folder: Path) -> None:
    """Write the results so far.

    Where things lay on that machine is left out.
    """
    machine = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    result = {
        "device": options.device,
        "quick": options.quick,
        "machine": machine,
        "steps": [asdict(each) for each in done],
    }
    text = json.dumps(result, indent=1).replace(str(folder), "FOLDER").replace(str(ROOT), "TREE")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
