"""The sides of overhead.py that train nothing.

On given learning curves: our event loop, and stock Optuna and MLflow.

Both search the four dimensions of simple_cnn.yaml by TPE with a median pruner, on SQLite files, and take ten reports of
seven metrics a trial. The curves are all alike, so that the pruner looks at every report and stops none.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mlflow
import optuna
from hpo.common.sqlite_url import sqlite_url
from hpo.search.configuration.claim import Claimer
from hpo.search.configuration.example import example_config
from hpo.search.configuration.identify import identify
from hpo.search.executors.base import Job
from hpo.search.executors.clock import SystemClock
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Goal, Places
from hpo.search.loop.loop import Loop
from hpo.search.progress.base import NoProgress
from hpo.search.strategy.strategy import build_strategy
from hpo.spaces.load import load_space
from hpo.studies.book.book import Book
from hpo.studies.book.open_study import open_study
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.studies.tracking.events import StudyEnded, StudyStarted
from hpo.studies.tracking.mlflow_tracker import MlflowTracker
from hpo.training.config import TrialConfig
from hpo.training.report import EpochReport

METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "images_per_s", "grad_norm")
REPORTS = 10
DRAIN_S = 120.0  # for MLflow to take what is left; a run that needs more has not finished its work


@dataclass(frozen=True)
class Cost:
    """The cost of a search beside training.

    CPU milliseconds per trial, and the seconds that each report took of the process that trains.
    """

    cpu_ms: float
    waits_s: Sequence[float] = ()


def metrics_of(epoch: int) -> dict[str, float]:
    """Return the metrics that an epoch (from 1) reports."""
    return {name: (epoch + position) / REPORTS for position, name in enumerate(METRICS)}


class Ours:
    """Book, loop, tracker and store as in `hpo run`.

    The thread that ships to MLflow counts.
    """

    def __init__(self, folder: Path) -> None:
        self._home = Home.locate(folder / "ours")
        self._storage = open_storage(self._home.storage_url)
        self._space = load_space("simple_cnn", TrialConfig)

    def search(self, name: str, trials: int, *, slots: int, epoch_s: float) -> Cost:
        """Search by `trials` trials, until all of it is in MLflow.

        `slots` at once, an epoch in `epoch_s` seconds.
        """
        began = time.process_time()
        clock = SystemClock()  # at a simulated pace nothing would reach MLflow in batches of a real size
        config = example_config(self._space)
        identity = identify(self._space, config, fingerprint="given curves", command="benchmark")
        study = open_study(self._storage, name, identity, accept_change=False)
        strategy = build_strategy(
            self._space,
            strategy="pruning",
            sampler="tpe",
            pruner="median",
            seed=0,
            direction="maximize",
            epochs=REPORTS,
        )
        book = Book(study, Claimer(self._space, strategy), clock.now)
        tracker = MlflowTracker(self._home, name, self._home.tracking_uri, print)
        tracker.tell(StudyStarted("val_accuracy", "maximize"))
        executor = SimulatedExecutor(partial(_curve, epoch_s), slots, clock)
        places = Places(self._home.cache, partial(self._home.trial, name))
        Loop(book, strategy, executor, tracker, NoProgress(), clock, Goal(trials), places).run()
        tracker.tell(StudyEnded("FINISHED"))
        if unsent := tracker.close(DRAIN_S):
            raise SystemExit(f"{unsent} events did not reach MLflow within {DRAIN_S:.0f} s")
        return Cost((time.process_time() - began) * 1000 / trials)


class Stock:
    """`study.optimize`, RDBStorage and MLflow as in their documentation.

    Told at every epoch, one by one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        mlflow.set_tracking_uri(sqlite_url(folder / "stock-mlflow.db"))
        mlflow.set_experiment("stock")

    def search(self, name: str, trials: int) -> Cost:
        """Search by `trials` trials."""
        began = time.process_time()
        study = optuna.create_study(
            study_name=name,
            storage=sqlite_url(self._folder / "stock.db"),
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=0),
            pruner=optuna.pruners.MedianPruner(),
        )
        waits: list[float] = []
        with mlflow.start_run(run_name=name):
            study.optimize(partial(_objective, waits), n_trials=trials)
        return Cost((time.process_time() - began) * 1000 / trials, waits)


def _curve(epoch_s: float, job: Job) -> Sequence[EpochReport]:
    return [EpochReport(epoch, metrics_of(epoch), epoch * epoch_s) for epoch in range(1, REPORTS + 1)]


def _objective(waits: list[float], trial: optuna.Trial) -> float:
    trial.suggest_categorical("batch_size", [32, 64, 128, 256])
    trial.suggest_float("dropout", 0.0, 0.5)
    trial.suggest_float("lr", 3e-4, 1e-2, log=True)
    trial.suggest_float("weight_decay", 1e-4, 0.3, log=True)
    metrics = metrics_of(0)
    with mlflow.start_run(nested=True):
        mlflow.log_params(trial.params)
        for epoch in range(1, REPORTS + 1):
            metrics = metrics_of(epoch)
            with _timed(waits):
                mlflow.log_metrics(metrics, step=epoch)
                trial.report(metrics["val_accuracy"], epoch)
                stop = trial.should_prune()
            if stop:
                raise optuna.TrialPruned
    return metrics["val_accuracy"]


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    into.append(time.perf_counter() - began)
