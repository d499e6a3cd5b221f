"""What `hpo plan` says of a search, and what `hpo run` of it then takes.

The bundled spaces on the digits and on 4,000 images of Fashion-MNIST, and one of a cheap and a dear branch, each in a
home of its own: a plan for one and two workers, then both searches, each with a study of its own and without a thing
that the plan has not had. A command is timed from its start to its end, as a user waits for it. The machine may have
other work, or its host other guests: what they took of its cores is told for the plan and for each search, since a
search is longer by what others took from it alone.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from harness import FASHION_MNIST, Target, arguments, finish, target_file

ROOT = Path(__file__).resolve().parent.parent
MAIN = "from hpo.search.cli import main; main()"
WITHIN = 0.3
SPACE_FILE = "cheap_or_dear.yaml"
CHEAP_OR_DEAR = {
    "data": {
        "source": "fashion_mnist",
        "max_train": 3000,
        "max_val": 1000,
        "image_size": 14,
        "batch_size": {"choices": [32, 64, 128]},
    },
    "model": {
        "choices": {
            "simple_cnn": {"width": {"low": 8, "high": 32, "step": 8}},
            "resnet": {"depth": {"choices": [10, 14]}, "width": {"choices": [8, 16]}},
        }
    },
    "optimizer": {"name": "sgd", "lr": {"low": 0.001, "high": 0.5, "log": True}},
    "budget": {"epochs": 8},
}
"""A space whose dear branch takes some five times as much as its cheap one."""
CASES: Mapping[str, Sequence[str]] = {
    "simple_cnn, digits": ["--space", "simple_cnn", "--data", "digits"],
    "resnet, digits": ["--space", "resnet", "--data", "digits"],
    "simple_cnn, Fashion-MNIST": [
        "--space",
        "simple_cnn",
        "--set",
        "data.max_train=4000",
        "--set",
        "data.max_val=1000",
    ],
    "resnet, Fashion-MNIST": [
        *("--space", "resnet", "--data", "fashion_mnist"),
        *("--set", "data.max_train=4000", "--set", "data.max_val=1000", "--set", "data.image_size=14"),
    ],
    "simple_cnn or resnet, Fashion-MNIST": ["--space", SPACE_FILE],
}
TRIALS, QUICK_FLAGS = 12, ["--trials", "2", "--epochs", "1", "--set", "data.max_train=200"]


@dataclass(frozen=True)
class Command:
    """A command that has ended: what it printed, its seconds, its CPU seconds, and the cores that others had."""

    output: Any
    seconds: float
    cpu_s: float
    others: float


@dataclass(frozen=True)
class Case:
    """A search that was planned and run with so many workers."""

    name: str
    workers: int
    planned: Mapping[str, Any]
    epochs: int
    seconds: float
    search_s: float
    cpu_s: float
    others_at_plan: float
    others_at_run: float

    @property
    def ratio(self) -> float:
        """What was planned by what happened, from the command to its end."""
        return float(self.planned["total_s"]) / self.seconds

    def row(self) -> dict[str, str]:
        """Return a line of the table."""
        epochs = self.planned["epochs"]
        return {
            "search": self.name,
            "workers": str(self.workers),
            "epochs planned": f"{epochs['median']:.0f} ({epochs['low']:.0f}-{epochs['high']:.0f})",
            "epochs": str(self.epochs),
            "planned, s": f"{self.planned['total_s']:.0f}",
            "took, s": f"{self.seconds:.0f}",
            "planned by took": f"{self.ratio:.2f}",
            "CPU, s": f"{self.cpu_s:.0f}",
            "cores that others had, plan and run": f"{self.others_at_plan:.1f}, {self.others_at_run:.1f}",
        }


def main() -> None:
    """Plan and run, print the table, write the JSON."""
    parser = arguments("plan", __doc__.splitlines()[0], repeats=1)
    parser.add_argument("--only", nargs="+", choices=sorted(CASES), default=list(CASES), metavar="CASE")
    options = parser.parse_args()
    kept = _kept(target_file(options))
    names = ["simple_cnn, digits"] if options.quick else _there(options.only)
    for name in names:
        flags = QUICK_FLAGS if options.quick else ["--trials", str(TRIALS)]
        kept = [case for case in kept if case.name != name] if not options.quick else []
        kept += planned_and_run(name, [*CASES[name], *flags], [1] if options.quick else [1, 2])
        report(options, sorted(kept, key=lambda case: (list(CASES).index(case.name), case.workers)))


def _there(names: Sequence[str]) -> list[str]:
    """Leave out what needs images that are not installed."""
    missing = [name for name in names if "Fashion" in name and not FASHION_MNIST.is_dir()]
    for name in missing:
        print(f"{name}: left out, {FASHION_MNIST} is missing (apt-get install dataset-fashion-mnist)", file=sys.stderr)
    return [name for name in names if name not in missing]


def _kept(out: Path) -> list[Case]:
    """Read the searches of an earlier run, which `--only` leaves as they are."""
    return [Case(**case) for case in json.loads(out.read_text())["measured"]["cases"]] if out.exists() else []


def planned_and_run(name: str, flags: Sequence[str], workers: Sequence[int]) -> list[Case]:
    """Plan a search and run it, with each number of `workers`."""
    with tempfile.TemporaryDirectory(prefix="hpo-plan-") as folder:
        (Path(folder) / SPACE_FILE).write_text(json.dumps(CHEAP_OR_DEAR))  # which is YAML, too
        most = ["--workers", str(max(workers)), "--json"]
        plan = hpo(["plan", *flags, *most], Path(folder))
        print(f"{name}: planned in {plan.seconds:.0f} s", flush=True)
        return [_run(name, flags, count, plan, Path(folder)) for count in workers]


def _run(name: str, flags: Sequence[str], workers: int, plan: Command, folder: Path) -> Case:
    study = f"with-{workers}"
    run = hpo(["run", study, *flags, "--workers", str(workers), "--json"], folder)
    planned = next(each for each in plan.output["prospects"] if each["workers"] == workers)
    case = Case(
        name,
        workers,
        planned,
        run.output["epochs_total"],
        run.seconds,
        run.output["wall_s"],
        run.cpu_s,
        plan.others,
        run.others,
    )
    print(" | ".join(case.row().values()), flush=True)
    return case


def hpo(words: Sequence[str], folder: Path) -> Command:
    """Run `hpo` in `folder`, and wait for it."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / ".typing"),
        "PYTHONSAFEPATH": "1",
        "HPO_HOME": str(folder / "runs"),
    }
    busy, began = busy_s(), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    own = children_s()
    output, errors = process.communicate()
    seconds, cpu_s = time.perf_counter() - began, children_s() - own
    if process.returncode:
        raise SystemExit(f"hpo {' '.join(words)} failed:\n{errors}")
    return Command(json.loads(output), seconds, cpu_s, max(0.0, busy_s() - busy - cpu_s) / seconds)


def busy_s() -> float:
    """Return the CPU seconds that the machine has spent since its start, and those that others of its host took."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + getattr(times, "steal", 0.0))


def children_s() -> float:
    """Return the CPU seconds of this process's children that have ended, and of theirs."""
    times = os.times()
    return times.children_user + times.children_system


def report(options: Any, cases: Sequence[Case]) -> None:
    """Write table and JSON."""
    targets = [
        Target(
            f"{workers} worker{'s' * (workers > 1)}: what was planned differs from what happened, at most",
            max(abs(case.ratio - 1) for case in cases if case.workers == workers),
            WITHIN,
            at_most=True,
        )
        for workers in sorted({case.workers for case in cases})
    ]
    title = f"Searches of {TRIALS} trials: what `hpo plan` said, and what `hpo run` took"
    finish(options, title, [case.row() for case in cases], targets, {"cases": [asdict(case) for case in cases]})


if __name__ == "__main__":
    main()
