"""The frame of every benchmark: arguments, figures, table and JSON.

And what the machine is.

A benchmark runs a peer and ours in turn in the same run, so that a busy moment of the machine hits both; a figure is
the median over repeats with its extremes, a ratio is taken pair by pair.
"""

import argparse
import json
import math
import os
import platform
import shlex
import socket
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
PACKAGES = ("torch", "torchvision", "optuna", "mlflow", "numpy")


@dataclass(frozen=True)
class Figure:
    """A quantity over repeats."""

    median: float
    low: float
    high: float
    values: tuple[float, ...]

    def text(self, digits: int = 0) -> str:
        """Format as `median (low-high)`."""
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}-{self.high:,.{digits}f})"


@dataclass(frozen=True)
class Target:
    """A number that must be reached.

    `value` must be at least (or at most) `bound`.
    """

    what: str
    value: float
    bound: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Tell whether the bound is reached."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def text(self) -> str:
        """Return one line: what, the value, the bound, the verdict."""
        sign = "<=" if self.at_most else ">="
        return f"{'met' if self.met else 'MISSED':>6}  {self.what}: {self.value:.3g} (must be {sign} {self.bound:.3g})"


def figure(values: Sequence[float]) -> Figure:
    """Return the figure of `values`, of which there must be one."""
    return Figure(statistics.median(values), min(values), max(values), tuple(values))


def ratio(ours: Sequence[float], peer: Sequence[float]) -> Figure:
    """Return ours by the peer's, pair by pair."""
    # pairs, not medians: a busy moment of the machine hits both of a pair
    return figure([a / b for a, b in zip(ours, peer, strict=True)])


def arguments(name: str, description: str, *, repeats: int = 5) -> argparse.ArgumentParser:
    """Return a parser with the arguments of every benchmark."""
    parser = argparse.ArgumentParser(prog=f"{name}.py", description=description)
    parser.add_argument("--quick", action="store_true", help="a smoke run: proves that it works, measures nothing")
    parser.add_argument("--repeats", type=int, default=repeats, help=f"pairs of runs (default {repeats})")
    parser.add_argument("--out", type=Path, help=f"the JSON to write (default results/{name}.json)")
    parser.set_defaults(name=name)
    return parser


def target_file(options: argparse.Namespace) -> Path:
    """Return the path of the JSON to write.

    `--out`, else beside the other results, where a smoke run keeps out of the way.
    """
    folder = RESULTS / "quick" if options.quick else RESULTS
    out: Path = options.out or folder / f"{options.name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    return out


def finish(
    options: argparse.Namespace,
    title: str,
    rows: Sequence[Mapping[str, str]],
    targets: Sequence[Target],
    measured: Mapping[str, Any],
    **top: Any,
) -> None:
    """Print the table and the verdicts, write the JSON; `top` stands at its top level."""
    print(f"\n{title}\n")
    print(table(rows))
    print()
    for target in targets:
        print(target.text())
    verdicts = [{**asdict(target), "met": target.met} for target in targets]
    result = {"title": title, "machine": machine(), "quick": options.quick, "rows": list(rows)}
    out = target_file(options)
    whole = {**result, **top, "targets": verdicts, "measured": measured}
    out.write_text(json.dumps(plain(whole), indent=1, allow_nan=False))
    print(f"\nwritten to {out}")


def plain(value: Any) -> Any:
    """Convert figures, tuples and paths to JSON's types.

    Numbers in six digits, those that are not finite as texts.
    """
    match value:
        case Figure():
            return plain(asdict(value))
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case float():
            return float(f"{value:.6g}") if math.isfinite(value) else str(value)
        case bool() | int() | str() | None:
            return value
    return str(value)


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Format `rows`, which have the same keys, as a Markdown table."""
    lines = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    padded = (" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(f"| {line} |" for line in padded)


def free_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def machine() -> dict[str, Any]:
    """Describe the machine: date, processor, cores, load, versions, command."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
        "command": shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
    }


def processor() -> str:
    """Return the processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def need_fashion_mnist() -> None:
    """Exit with 2 and advice where Fashion-MNIST is missing."""
    if not FASHION_MNIST.is_dir():
        print(
            f"{FASHION_MNIST} is missing; on Debian and Ubuntu: apt-get install dataset-fashion-mnist", file=sys.stderr
        )
        raise SystemExit(2)
