"""What a trial costs the coordinator as its study grows.

CPU milliseconds a trial beside training: the event loop, TPE, the median and SQLite, on given learning curves of ten
epochs, four trials at once. A study of a thousand trials and more is one of a hundred whose rows were copied.
"""

import argparse
import math
import random
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import optuna
from harness import Figure, Target, arguments, figure, finish
from hpo.search.configuration.claim import Claimer
from hpo.search.configuration.example import example_config
from hpo.search.configuration.identify import identify
from hpo.search.executors.base import Job
from hpo.search.executors.clock import VirtualClock
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
from hpo.studies.tracking.events import Event
from hpo.studies.tracking.tracker import NullTracker
from hpo.training.config import TrialConfig
from hpo.training.report import EpochReport

SIZES = (100, 1_000, 5_000, 10_000)
EPOCHS, SLOTS = 10, 4
FIRST = 100  # trials whose cost is what the others are compared with; their rows are what is copied
MEASURED = 100  # trials that are run on top of a study, after WARM_UP ones
WARM_UP = 4
# the rows of a trial, and the column that numbers them
CHILDREN = {
    "trial_params": "param_id",
    "trial_values": "trial_value_id",
    "trial_intermediate_values": "trial_intermediate_value_id",
    "trial_user_attributes": "trial_user_attribute_id",
    "trial_system_attributes": "trial_system_attribute_id",
}


class Start(NullTracker):
    """Notes the CPU time at which the first trial starts.

    What a run does once before that grows with the study: it looks into the folders of all ended trials.
    """

    at = 0.0

    def tell(self, event: Event) -> None:
        """Hear of an event."""
        self.at = self.at or time.process_time()


class Search:
    """A study in a home of its own."""

    def __init__(self, folder: Path) -> None:
        self._home, self._clock = Home.locate(folder), VirtualClock(time.time())
        self._space = load_space("simple_cnn", TrialConfig)
        self._study = open_study(
            open_storage(self._home.storage_url),
            "growth",
            identify(self._space, example_config(self._space), fingerprint="given curves", command="benchmark"),
            accept_change=False,
        )
        self._strategy = build_strategy(
            self._space, strategy="pruning", sampler="tpe", pruner="median", seed=0, direction="maximize", epochs=EPOCHS
        )
        self._book = Book(self._study, Claimer(self._space, self._strategy), self._clock.now)

    def cost_ms(self, trials: int) -> float:
        """Run until the study has `trials`; return CPU milliseconds for each that is run."""
        new = trials - len(self._study.get_trials(deepcopy=False))
        executor = SimulatedExecutor(curve, SLOTS, self._clock)
        places = Places(self._home.cache, partial(self._home.trial, "growth"))
        start = Start()
        watchers = start, NoProgress()
        loop = Loop(self._book, self._strategy.decide, executor, *watchers, self._clock, Goal(trials), places)
        loop.run()
        return (time.process_time() - start.at) * 1000 / new


def curve(job: Job) -> Sequence[EpochReport]:
    """Return ten noisy epochs with seven metrics."""
    noise = random.Random(job.number)
    height = noise.random()
    values = [height * (1 - math.exp(-epoch / 3)) + noise.gauss(0, 0.01) for epoch in range(1, EPOCHS + 1)]
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "images_per_s", "grad_norm")
    return [
        EpochReport(epoch, dict.fromkeys(names, value), 10.0 * epoch) for epoch, value in enumerate(values, start=1)
    ]


def copy_rows(file: Path, trials: int) -> None:
    """Copy the rows of a study's trials until it has `trials`."""
    with sqlite3.connect(file) as connection:
        first_id, count = connection.execute("SELECT MIN(trial_id), COUNT(*) FROM trials").fetchone()
        for shift in range(count, trials, count):
            until_id = first_id + min(count, trials - shift)
            _copy(connection, "trials", "trial_id", shift, until_id)
            for table, key in CHILDREN.items():
                _copy(connection, table, key, shift, until_id)


def _copy(connection: sqlite3.Connection, table: str, key: str, shift: int, until_id: int) -> None:
    """Copy the rows of trials below `until_id`, to ids and numbers greater by `shift`."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    copied = [column for column in columns if column in ("trial_id", "number") or column != key]
    moved = [f"{column} + {shift}" if column in ("trial_id", "number") else column for column in copied]
    connection.execute(
        f"INSERT INTO {table} ({', '.join(copied)})"
        f" SELECT {', '.join(moved)} FROM {table} WHERE trial_id < {until_id} ORDER BY {key}"
    )


def measure(sizes: Sequence[int], measured: int) -> dict[str, float]:
    """Return CPU milliseconds a trial, by how many trials the study had."""
    with tempfile.TemporaryDirectory() as folder:
        first = Search(Path(folder))
        costs = {"the first hundred": first.cost_ms(FIRST)}
        for size in sizes:
            home = Path(folder) / str(size)
            home.mkdir()
            for file in Path(folder).glob("studies.db*"):
                (home / file.name).write_bytes(file.read_bytes())
            copy_rows(home / "studies.db", size)
            search = Search(home)
            search.cost_ms(size + WARM_UP)
            costs[f"at {size:,}"] = search.cost_ms(size + WARM_UP + measured)
    return costs


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    options: argparse.Namespace = arguments("growth", __doc__.splitlines()[0], repeats=3).parse_args()
    sizes, measured = ((200,), 10) if options.quick else (SIZES, MEASURED)
    runs = [measure(sizes, measured) for _ in range(1 if options.quick else options.repeats)]
    costs: dict[str, Figure] = {name: figure([run[name] for run in runs]) for name in runs[0]}
    last = list(costs)[-1]
    grown = figure([run[last] / run["the first hundred"] for run in runs])
    rows = [{"trials in the study": name, "CPU ms a trial": cost.text(1)} for name, cost in costs.items()]
    targets = [Target(f"{last} trials, by the first hundred", grown.median, 1.5, at_most=True)]
    finish(options, "What a trial costs the coordinator, medians (min-max)", rows, targets, {"ms": costs})


if __name__ == "__main__":
    main()
