"""The overhead of a search: waits of training, CPU of its coordinator.

- Waiting, per epoch report: real searches (`hpo.run`, one worker a core, simple_cnn on the embedded digits at 28x28)
  with MLflow on a local file, behind a port that is closed, and behind one that accepts and never answers; in turn.
  What counts is in probe/timed_worker.py. The same of stock Optuna with synchronous MLflow is beside it.
- CPU of the coordinator, per trial of ten reports: coordinator.py, ours and stock in turn, at a fast pace (epochs of
  0.1 s) and once at a slow one (3 s), at which fewer reports reach MLflow together.
"""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import hpo
import numpy as np
import optuna
from coordinator import Ours, Stock
from harness import Target, arguments, figure, finish, free_port, ratio
from hpo.common.children import start_python
from hpo.search.commands.run import run as search_run
from hpo.search.executors import worker_process
from hpo.studies.home import Home

PROBE = Path(__file__).with_name("probe")
# short epochs: the reports come as fast as they ever do
TINY = ("data.image_size=28", "data.max_train=600", "data.max_val=100", "data.batch_size=64")
QUICK = ("data.max_train=100", "data.max_val=20", "data.batch_size=64", "model.width=4")
WAITS = {"median": 1.0, "99th percentile": 5.0}  # ms at most
SLOW = {"slots": 2, "epoch_s": 3.0}
FAST = {"slots": 2, "epoch_s": 0.1}


@dataclass
class Waits:
    """Milliseconds per report.

    Between two epochs, and looking for signals during the second.
    """

    between: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)

    @property
    def total(self) -> list[float]:
        """Return both together."""
        return [a + b for a, b in zip(self.between, self.looks, strict=True)]

    def read(self, path: Path) -> None:
        """Take in what the probe has written."""
        for line in path.read_text().splitlines():
            between, looks = (1000 * float(word) for word in line.split())
            self.between.append(between)
            self.looks.append(looks)


@contextmanager
def silent_server() -> Iterator[str]:
    """Yield the address of a server that accepts and never answers."""
    connections: list[socket.socket] = []

    def accept(server: socket.socket) -> None:
        while True:
            try:
                connections.append(server.accept()[0])
            except OSError:  # closed
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=accept, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.close()


@contextmanager
def probed(record: Path) -> Iterator[None]:
    """Have worker processes started meanwhile record their waits."""

    def start(_: str, *arguments: str, **options: Any) -> "subprocess.Popen[Any]":
        return start_python("timed_worker", *arguments, **options)

    os.environ["HPO_WAITS"] = str(record)
    sys.path.insert(0, str(PROBE))
    worker_process.start_python = start
    try:
        yield
    finally:
        worker_process.start_python = start_python
        sys.path.remove(str(PROBE))
        del os.environ["HPO_WAITS"]


def waiting(rounds: int, trials: int, overrides: Sequence[str], folder: Path) -> dict[str, Waits]:
    """Measure the waits under each kind of MLflow.

    One home each, so that the first round alone makes MLflow's file.
    """
    with ExitStack() as stack:
        silent = stack.enter_context(silent_server())
        uris = {
            "MLflow on a file": None,
            "MLflow's port closed": f"http://127.0.0.1:{free_port()}",
            "MLflow never answers": silent,
        }
        waits = {name: Waits() for name in uris}
        for number in range(rounds):
            for name, uri in uris.items():
                record = folder / f"{name}-{number}"
                with probed(record):
                    search(folder / name, f"round-{number}", uri, trials, overrides)
                waits[name].read(record)
    return waits


def search(home: Path, study: str, uri: str | None, trials: int, overrides: Sequence[str]) -> None:
    """Run a real search that prunes nothing."""
    search_run.DRAIN_S = 1.0  # what an MLflow that is not there does after the search is not waited for here
    hpo.run(
        hpo.RunOptions(
            space="simple_cnn", study=study, data="digits", overrides=overrides, trials=trials, epochs=10,
            pruner="none", home=home, tracking_uri=uri or Home(home).tracking_uri,  # not what the peer has set
        )
    )  # fmt: skip


def coordinating(
    repeats: int, trials: int, slow_trials: int, folder: Path
) -> tuple[dict[str, list[float]], list[float]]:
    """Measure CPU milliseconds a trial of each side, and stock's waits.

    In turn; short searches make the files before.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ours, stock = Ours(folder), Stock(folder)
    ours.search("warm-up", 2, **FAST)
    stock.search("warm-up", 2)
    cpu: dict[str, list[float]] = {"ours": [], "stock": [], "ours, slow epochs": []}
    waits: list[float] = []
    for number in range(repeats):
        cpu["ours"].append(ours.search(f"fast-{number}", trials, **FAST).cpu_ms)
        cost = stock.search(f"stock-{number}", trials)
        cpu["stock"].append(cost.cpu_ms)
        waits += [1000 * wait for wait in cost.waits_s]
        cpu["ours, slow epochs"].append(ours.search(f"slow-{number}", slow_trials, **SLOW).cpu_ms)
    return cpu, waits


def percentile(values: Sequence[float], share: float) -> float:
    return float(np.percentile(values, share))


def wait_row(what: str, values: Sequence[float]) -> dict[str, str]:
    """Return a line of the table about waiting."""
    return {
        "per": "report",
        "what": what,
        "median, ms": f"{percentile(values, 50):.2f}",
        "99th percentile, ms": f"{percentile(values, 99):.2f}",
        "min-max, ms": f"{min(values):.2f}-{max(values):.2f}",
        "of": str(len(values)),
    }


def cpu_row(what: str, values: Sequence[float]) -> dict[str, str]:
    """Return a line of the table about the coordinator."""
    return {
        "per": "trial",
        "what": f"CPU of the coordinator, {what}",
        "median, ms": f"{figure(values).median:.0f}",
        "99th percentile, ms": "",
        "min-max, ms": f"{min(values):.0f}-{max(values):.0f}",
        "of": str(len(values)),
    }


def verdicts(waits: Mapping[str, Waits], cpu: Mapping[str, Sequence[float]]) -> list[Target]:
    """Return the targets."""
    targets = []
    for name, wait in waits.items():
        for what, share in (("median", 50), ("99th percentile", 99)):
            value = percentile(wait.total, share)
            targets.append(Target(f"ms a training process waits per report, {name}, {what}", value, WAITS[what], True))
    for name in ("ours", "ours, slow epochs"):
        value = ratio(cpu[name], cpu["stock"]).median
        targets.append(Target(f"CPU of the coordinator, {name} / stock", value, 1 / 3, at_most=True))
    return targets


def main() -> None:
    parser = arguments("overhead", __doc__.splitlines()[0])
    options = parser.parse_args()
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    rounds, trials, fast, slow = (1, 1, 3, 2) if options.quick else (options.repeats, 10, 20, 6)
    if options.quick:
        SLOW["epoch_s"] = 0.1
    with tempfile.TemporaryDirectory() as folder:
        cpu, stock_waits = coordinating(rounds, fast, slow, Path(folder))
        waits = waiting(rounds, trials, QUICK if options.quick else TINY, Path(folder))
    rows = [wait_row(f"waiting, {name}", wait.total) for name, wait in waits.items()]
    rows.append(wait_row("waiting, stock Optuna and MLflow", stock_waits))
    rows += [cpu_row(name, values) for name, values in cpu.items()]
    measured: dict[str, Any] = {"cpu_ms_per_trial": cpu, "stock_wait_ms": stock_waits}
    measured |= {"wait_ms": {name: {"between": wait.between, "looks": wait.looks} for name, wait in waits.items()}}
    finish(options, "Overhead of a search", rows, verdicts(waits, cpu), measured)


if __name__ == "__main__":
    main()
