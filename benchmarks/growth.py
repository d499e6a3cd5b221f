"""What a trial costs the coordinator as its study grows.

CPU milliseconds a trial beside training: the event loop, the sampler, the strategy and SQLite, on given learning curves
of ten epochs, four trials at once. A study of a thousand trials and more is one of a hundred whose rows were copied:
under rungs most of them are paused.
"""

import argparse
import math
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
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
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.search.strategy.strategies.registry import STRATEGIES
from hpo.search.strategy.strategy import build_strategy
from hpo.spaces.load import load_space
from hpo.studies.book.book import Book
from hpo.studies.book.open_study import open_study
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.studies.tracking.events import Event, TrialStarted
from hpo.studies.tracking.tracker import NullTracker
from hpo.training.config import TrialConfig
from hpo.training.report import EpochReport

SIZES = (100, 1_000, 10_000)
MANY = 20_000  # trials that are asked for: more than are ever begun here
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


class Meter(NullTracker):
    """Notes the CPU time at which the first trial starts and that at which trial `last` does, and ends the search then.

    What a run does once before that grows with the study: it looks into the folders of all ended trials.
    """

    def __init__(self, last: int) -> None:
        self._last = last
        self.began = self.ended = 0.0
        self.end: Callable[[], None] = lambda: None

    def tell(self, event: Event) -> None:
        """Hear of an event."""
        self.began = self.began or time.process_time()
        if isinstance(event, TrialStarted) and event.trial >= self._last:
            self.ended = time.process_time()
            self.end()


class Search:
    """A study in a home of its own."""

    def __init__(self, folder: Path, strategy: str, sampler: str) -> None:
        self._home, self._clock = Home.locate(folder), VirtualClock(time.time())
        self._space = load_space("simple_cnn", TrialConfig)
        self._study = open_study(
            open_storage(self._home.storage_url),
            "growth",
            identify(self._space, example_config(self._space), fingerprint="given curves", command="benchmark"),
            accept_change=False,
        )
        parts = {"strategy": strategy, "sampler": sampler, "pruner": None, "trials": MANY}
        self._strategy = build_strategy(self._space, **parts, seed=0, direction="maximize", epochs=EPOCHS)
        self._book = Book(self._study, Claimer(self._space, self._strategy), self._clock.now)

    def cost_ms(self, trials: int) -> float:
        """Run until the study has `trials`; return CPU milliseconds for each that is begun."""
        before = self._study.get_trials(deepcopy=False)
        checkpoints = {trial.number: len(trial.intermediate_values) for trial in before}
        executor = SimulatedExecutor(curve, SLOTS, self._clock, checkpoints=checkpoints)
        places = Places(self._home.cache, partial(self._home.trial, "growth"))
        meter = Meter(trials - 1)
        watchers = meter, NoProgress()
        loop = Loop(self._book, self._strategy, executor, *watchers, self._clock, Goal(MANY), places)
        meter.end = loop.interrupt
        loop.run()
        return (meter.ended - meter.began) * 1000 / (trials - len(before))


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
        connection.execute("UPDATE trials SET state = 'PRUNED' WHERE state = 'WAITING'")  # else copies go on first
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


def measure(sizes: Sequence[int], measured: int, strategy: str, sampler: str) -> dict[str, float]:
    """Return CPU milliseconds a trial, by how many trials the study had."""
    with tempfile.TemporaryDirectory() as folder:
        first = Search(Path(folder), strategy, sampler)
        costs = {"the first hundred": first.cost_ms(FIRST)}
        for size in sizes:
            home = Path(folder) / str(size)
            home.mkdir()
            for file in Path(folder).glob("studies.db*"):
                (home / file.name).write_bytes(file.read_bytes())
            copy_rows(home / "studies.db", size)
            search = Search(home, strategy, sampler)
            search.cost_ms(size + WARM_UP)
            costs[f"at {size:,}"] = search.cost_ms(size + WARM_UP + measured)
    return costs


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    parser = arguments("growth", __doc__.splitlines()[0], repeats=3)
    parser.add_argument("--strategy", default="pruning", choices=STRATEGIES.names(), help="what is measured")
    parser.add_argument("--sampler", default="tpe", choices=SAMPLERS.names(), help="what proposes configurations")
    options: argparse.Namespace = parser.parse_args()
    sizes, measured = ((200,), 10) if options.quick else (SIZES, MEASURED)
    runs = [
        measure(sizes, measured, options.strategy, options.sampler)
        for _ in range(1 if options.quick else options.repeats)
    ]
    costs: dict[str, Figure] = {name: figure([run[name] for run in runs]) for name in runs[0]}
    last = list(costs)[-1]
    grown = figure([run[last] / run["the first hundred"] for run in runs])
    rows = [{"trials in the study": name, "CPU ms a trial": cost.text(1)} for name, cost in costs.items()]
    targets = [Target(f"{last} trials, by the first hundred", grown.median, 1.5, at_most=True)]
    title = f"What a trial costs the coordinator by {options.strategy} and {options.sampler}, medians (min-max)"
    finish(options, title, rows, targets, {"ms": costs})


if __name__ == "__main__":
    main()
