"""What a search costs beside training: how long a training process waits, and how much CPU its coordinator takes.

- Waiting: real searches in real worker processes; the gap between the end of one epoch and the start of the next
  (snapshot, hand-over to the checkpoint writer, report), with MLflow on a local file, at a closed port, and at a port
  that accepts and never answers.
- CPU: the event loop with its store and its tracker on given learning curves at a real pace, against stock
  `study.optimize` with RDBStorage and MLflow called at every epoch. Both search the same five values by TPE with a
  median pruner, ten reports of seven metrics a trial, on SQLite files. In ours the thread that ships to MLflow counts.
"""

import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from harness import Figure, Target, arguments, figure, finish, ratio

PROBE = Path(__file__).with_name("probe")
METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "images_per_s", "grad_norm")
REPORTS = 10
EPOCH_S = 0.1  # the pace of the given curves
SPACE = "simple_cnn"


def gaps(folder: Path, tracking_uri: str | None, trials: int) -> list[float]:
    """Milliseconds between epochs in the worker of a real search."""
    import hpo

    record = folder / "gaps"
    os.environ["HPO_GAPS"] = str(record)
    sys.path.insert(0, str(PROBE))
    try:
        hpo.run(
            hpo.RunOptions(
                space=SPACE, data="digits", trials=trials, epochs=REPORTS, workers=1, pruner="none",
                home=folder / "home", tracking_uri=tracking_uri,
            )
        )  # fmt: skip
    finally:
        sys.path.remove(str(PROBE))
        del os.environ["HPO_GAPS"]
    return [float(line) * 1000 for line in record.read_text().splitlines()]


@contextmanager
def silent_server() -> Iterator[str]:
    """The address of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def closed_port() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def waiting(trials: int) -> dict[str, list[float]]:
    """The gaps of a search under each kind of MLflow."""
    found = {}
    with tempfile.TemporaryDirectory() as folder, silent_server() as silent:
        uris = {"MLflow on a local file": None, "MLflow's port closed": closed_port(), "MLflow never answers": silent}
        for number, (name, uri) in enumerate(uris.items()):
            place = Path(folder) / str(number)
            place.mkdir()
            found[name] = gaps(place, uri, trials)
    return found


class OurSearch:
    """Our loop on given curves."""

    def __init__(self, folder: Path) -> None:
        from hpo.spaces.load import load_space
        from hpo.studies.home import Home
        from hpo.studies.storage import open_storage
        from hpo.training.config import TrialConfig

        self._home = Home.locate(folder / "ours")
        self._storage = open_storage(self._home.storage_url)
        self._space = load_space(SPACE, TrialConfig, [])

    def search(self, name: str, trials: int) -> float:
        """CPU milliseconds a trial."""
        from functools import partial

        from hpo.search.clock import VirtualClock
        from hpo.search.executors.base import Event, Job
        from hpo.search.executors.simulated import SimulatedExecutor
        from hpo.search.ledger import Ledger
        from hpo.search.loop import Goal, Loop, Places
        from hpo.search.open_study import Identity, open_study
        from hpo.search.progress.base import NoProgress
        from hpo.search.strategies import build_pruner, build_sampler
        from hpo.studies.tracking.mlflow_tracker import MlflowTracker
        from hpo.studies.tracking.tracker import StudyInfo
        from hpo.training.config import ObjectiveConfig
        from hpo.training.report import EpochReport

        class Paced(SimulatedExecutor):
            def next_event(self, timeout_s: float | None = None) -> Event | None:
                before = self.clock.now()
                event = super().next_event(timeout_s)
                time.sleep(max(0.0, self.clock.now() - before))
                return event

        def curve(job: Job) -> Sequence[EpochReport]:
            return [EpochReport(n, metrics_of(n), n * EPOCH_S) for n in range(1, REPORTS + 1)]

        began = time.process_time()
        clock = VirtualClock()
        identity = Identity(self._space, ObjectiveConfig(), "given curves", 0, "benchmark")
        study = open_study(self._storage, name, identity, accept_change=False)
        study.pruner = build_pruner("median", REPORTS)
        lock = self._home.study(name) / ".lock"
        lock.parent.mkdir(parents=True)
        ledger = Ledger(study, self._space, partial(build_sampler, "tpe", 0), lock, clock)
        tracker = MlflowTracker(self._home, name, self._home.tracking_uri, print)
        tracker.study_started(StudyInfo(name, "val_accuracy", "maximize"))
        places = Places(self._home.cache, lambda number: self._home.trial(name, number))
        Loop(ledger, Paced(curve, 1, clock), tracker, NoProgress(), clock, Goal(trials), places).run()
        tracker.study_ended("FINISHED", {}, {})
        unsent = tracker.close(60)
        if unsent:
            raise SystemExit(f"{unsent} events did not reach MLflow")
        return (time.process_time() - began) * 1000 / trials


class StockSearch:
    """`study.optimize` as the documentation has it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def search(self, name: str, trials: int) -> float:
        """CPU milliseconds a trial."""
        import mlflow
        import optuna

        mlflow.set_tracking_uri(f"sqlite:///{self._folder}/stock-mlflow.db")
        mlflow.set_experiment("stock")
        began = time.process_time()
        study = optuna.create_study(
            study_name=name,
            storage=f"sqlite:///{self._folder}/stock.db",
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=0),
            pruner=optuna.pruners.MedianPruner(),
        )

        def objective(trial: optuna.Trial) -> float:
            trial.suggest_categorical("batch_size", [32, 64, 128, 256])
            trial.suggest_float("dropout", 0.0, 0.5)
            trial.suggest_float("lr", 3e-4, 1e-2, log=True)
            trial.suggest_float("weight_decay", 1e-4, 0.3, log=True)
            with mlflow.start_run(nested=True):
                mlflow.log_params(trial.params)
                for epoch in range(1, REPORTS + 1):
                    metrics = metrics_of(epoch)
                    mlflow.log_metrics(metrics, step=epoch)
                    trial.report(metrics["val_accuracy"], epoch)
                    if trial.should_prune():
                        raise optuna.TrialPruned
            return metrics["val_accuracy"]

        with mlflow.start_run(run_name=name):
            study.optimize(objective, n_trials=trials)
        return (time.process_time() - began) * 1000 / trials


def metrics_of(epoch: int) -> dict[str, float]:
    """What an epoch reports: the same in every trial, so that none is pruned."""
    return dict.fromkeys(METRICS, epoch / REPORTS)


def coordinating(repeats: int, trials: int) -> dict[str, list[float]]:
    """CPU milliseconds a trial of both, in turn, after one short search of each that makes the files."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found: dict[str, list[float]] = {"ours": [], "stock": []}
    with tempfile.TemporaryDirectory() as folder:
        sides = {"ours": OurSearch(Path(folder)), "stock": StockSearch(Path(folder))}
        for side in sides.values():
            side.search("warm-up", 2)
        for repeat in range(repeats):
            for name, side in sides.items():
                found[name].append(side.search(f"study-{repeat}", trials))
    return found


def main() -> None:
    """Measure, print, write."""
    options = arguments("overhead", __doc__ or "").parse_args()
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    repeats, trials, searched = (1, 2, 2) if options.quick else (options.repeats, 20, 15)
    finish(options, *report(waiting(searched), coordinating(repeats, trials)))


def report(
    waits: dict[str, list[float]], cpu: dict[str, list[float]]
) -> tuple[str, list[dict[str, str]], list[Target], dict[str, object]]:
    """Title, rows, targets and what was measured."""
    share = ratio(cpu["ours"], cpu["stock"])
    rows = [
        row(f"waiting an epoch, {name}", figure(values), float(np.percentile(values, 99)))
        for name, values in waits.items()
    ]
    rows += [row(f"coordinator CPU a trial, {name}", figure(values), None) for name, values in cpu.items()]
    targets = []
    for name, values in waits.items():
        targets.append(Target(f"waiting, {name}, median ms", figure(values).median, 1.0, at_most=True))
        targets.append(
            Target(f"waiting, {name}, 99th percentile ms", float(np.percentile(values, 99)), 5.0, at_most=True)
        )
    targets.append(Target("coordinator CPU, ours / stock", share.median, 1 / 3, at_most=True))
    title = "Overhead of a search, ms: median (min-max)"
    return title, rows, targets, {"waiting_ms": waits, "cpu_ms_per_trial": cpu, "cpu_ratio": share}


def row(what: str, values: Figure, p99: float | None) -> dict[str, str]:
    """A line of the table."""
    return {"what": what, "ms": values.text(2), "99th percentile": "" if p99 is None else f"{p99:.2f}"}


if __name__ == "__main__":
    main()
