"""What trials on a Ray cluster cost their driver, and how much of the time they train, beside Ray Tune.

A cluster of one node on this machine, with as many CPUs as there are workers; trainings that do nothing or sleep; the
whole of ours, loop, book (an SQLite file), coordinator and driver, but for MLflow. Ray Tune has random proposals, too,
reuses its actors, and has no store.

- no-op: trials of one report: how many a second, and the CPU of the process that talks to Ray, for each;
- reports: trials of many reports: the CPU of that process for each;
- sleep: trials of five epochs of a second: how much of the time the workers train;
- memory: what that process grows by, over many trials.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
import psutil
from harness import Figure, Target, arguments, figure, finish
from hpo.common.sqlite_url import sqlite_url
from hpo.search.executors.clock import SystemClock
from hpo.search.executors.ray.executor import RayExecutor
from hpo.studies.tracking.events import Event, TrialEnded
from hpo.training.config import TrialConfig
from scale_parts import Coordinator, Ends

from tests.ray_cluster import RayCluster, ray_cluster  # which scale_parts has put on the path
from tests.ray_executors import executor_on, request_of

HERE = Path(__file__).resolve().parent
WORKERS = (1, 4, 16, 32)
EPOCHS = 5
MOST_TRIAL_MS, MOST_REPORT_MS, LEAST_RATE, LEAST_SHARE, MOST_MB = 3, 0.2, 100, 0.98, 50


@dataclass(frozen=True)
class Run:
    """A search: its wall seconds, the CPU seconds of the process that talks to Ray, and the MB that grew by."""

    wall_s: float
    cpu_s: float
    grown_mb: float = 0.0


class Meter(Ends):
    """Notes what Ray's driver has used when the last trial has ended."""

    def __init__(self, driver: psutil.Process) -> None:
        super().__init__()
        self._driver = driver
        self.cpu_s, self.rss = used(driver)

    def tell(self, event: Event) -> None:
        """Hear of an event."""
        super().tell(event)
        if isinstance(event, TrialEnded):
            self.cpu_s, self.rss = used(self._driver)


def used(process: psutil.Process) -> tuple[float, int]:
    """CPU seconds and bytes of memory of a process."""
    times = process.cpu_times()
    return times.user + times.system, process.memory_info().rss


def ours(cluster: RayCluster, trials: int, workers: int, reports: int) -> Run:
    """Run a search of ours, once all workers are there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        request = request_of(folder, TrialConfig.model_validate({"data": {"source": "digits"}}))
        clock = SystemClock()
        coordinator = Coordinator(
            sqlite_url(folder / "studies.db"), folder, clock, {"strategy": "pruning", "pruner": "none"}, reports
        )
        with executor_on(cluster, request, RayExecutor, print) as executor:
            while sum(slot.worker is not None and slot.worker.ready for slot in executor._slots) < workers:
                executor.next_events(0.0)
                time.sleep(0.05)
            driver = psutil.Process(executor.driver_pid)
            meter = Meter(driver)
            cpu_s, rss, began = meter.cpu_s, meter.rss, time.monotonic()
            coordinator.search(trials, executor, meter)
    return Run(meter.last - began, meter.cpu_s - cpu_s, (meter.rss - rss) / 2**20)


def ray_tune(cluster: RayCluster, trials: int, workers: int, reports: int, epoch_s: float) -> Run:
    """Run a search of Ray Tune's."""
    script = [sys.executable, str(HERE / "peer_ray_tasks.py"), cluster.address]
    command = [*cluster.prefix, *script, *map(str, (trials, workers, reports, epoch_s))]
    done = subprocess.run(command, env=cluster.environment, capture_output=True, text=True, check=False)
    answers = [line for line in done.stdout.splitlines() if line.startswith('{"wall_s"')]  # Ray prints, too
    if done.returncode or not answers:
        raise SystemExit(done.stderr)
    return Run(**json.loads(answers[0]))


def in_turn(
    workers: int, trials: int, reports: int, epoch_s: float, *, repeats: int = 1
) -> tuple[list[Run], list[Run]]:
    """Run ours and Ray Tune in turn, on clusters of their own with as many CPUs as there are workers."""
    mine, theirs = [], []
    for _ in range(repeats):
        with workers_of(workers, epoch_s) as cluster:
            mine.append(ours(cluster, trials, workers, reports))
        with workers_of(workers, epoch_s) as cluster:
            theirs.append(ray_tune(cluster, trials, workers, reports, epoch_s))
    return mine, theirs


@contextmanager
def workers_of(count: int, epoch_s: float) -> Iterator[RayCluster]:
    """A cluster with room for so many workers, whose trainings sleep."""
    with ray_cluster() as cluster:
        cluster.variables["HPO_BENCH_EPOCH_S"] = str(epoch_s)
        cluster.start(cpus=count, path=[str(HERE / "sleeping_workers")])
        yield cluster


def row(what: str, mine: Figure, theirs: Figure | None, digits: int = 2) -> dict[str, str]:
    """A line of the table."""

    def text(value: Figure | None) -> str:
        if value is None:
            return ""
        return value.text(digits) if len(value.values) > 1 else f"{value.median:,.{digits}f}"

    return {"what": what, "ours": text(mine), "Ray Tune": text(theirs)}


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    parser = arguments("scale_ray", __doc__.splitlines()[0], repeats=3)
    options = parser.parse_args()
    quick = options.quick
    repeats = 1 if quick else options.repeats
    few, many, long = (6, 10, 20) if quick else (300, 500, 10_000)
    workers = WORKERS[:1] if quick else WORKERS
    mine, theirs = in_turn(2, few, 1, 0.0, repeats=repeats)
    per_trial, tune_per_trial = (figure([1000 * run.cpu_s / few for run in runs]) for runs in (mine, theirs))
    rates, tune_rates = (figure([few / run.wall_s for run in runs]) for runs in (mine, theirs))
    told, tune_told = in_turn(2, 4, many, 0.0, repeats=repeats)
    per_report, tune_per_report = (
        figure([1000 * (run.cpu_s - 4 * trial.median / 1000) / (4 * many) for run in runs])
        for runs, trial in ((told, per_trial), (tune_told, tune_per_trial))
    )
    rows = [
        row("a trial of one report that does nothing: CPU of the driver, ms", per_trial, tune_per_trial),
        row("a report: CPU of the driver, ms", per_report, tune_per_report, 3),
        row("such trials a second", rates, tune_rates, 1),
    ]
    shares: dict[int, float] = {}
    for count in workers:
        rounds, epoch_s = (1, 0.05) if quick else (4, 1.0)
        (run,), (tune,) = in_turn(count, rounds * count, EPOCHS, epoch_s)
        busy_s = rounds * EPOCHS * epoch_s
        shares[count] = busy_s / run.wall_s
        what = f"time in which {count} workers that sleep train, %"
        rows.append(row(what, figure([100 * shares[count]]), figure([100 * busy_s / tune.wall_s]), 1))
    with workers_of(2, 0.0) as cluster:
        grown = ours(cluster, long, 2, 1)
    rows.append(row(f"MB by which the driver grows over {long:,} trials", figure([grown.grown_mb]), None, 1))
    at_sixteen = shares.get(16, shares[workers[-1]])
    targets = [
        Target("CPU of the driver for a trial, ms", per_trial.median, MOST_TRIAL_MS, at_most=True),
        Target("CPU of the driver for a report, ms", per_report.median, MOST_REPORT_MS, at_most=True),
        Target("trials a second that do nothing, the whole path", rates.median, LEAST_RATE),
        Target("efficiency with 16 workers", at_sixteen, LEAST_SHARE),
        Target(f"MB over {long:,} trials", grown.grown_mb, MOST_MB, at_most=True),
    ]
    measured = {"trial_ms": per_trial, "report_ms": per_report, "rate": rates, "efficiency": shares}
    finish(options, "Trials on a Ray cluster", rows, targets, measured)


if __name__ == "__main__":
    main()
