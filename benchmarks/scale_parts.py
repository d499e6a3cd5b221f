"""The measurements of scale.py, each of which returns numbers alone."""

import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import optuna
from hpo.common.sqlite_url import sqlite_url
from hpo.search.configuration.claim import Claim, Claimer
from hpo.search.configuration.example import example_config
from hpo.search.configuration.identify import identify
from hpo.search.executors.base import Executor, Job
from hpo.search.executors.clock import SystemClock, VirtualClock
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Goal, Places
from hpo.search.loop.loop import Loop
from hpo.search.progress.base import NoProgress
from hpo.search.strategy.strategy import Strategy, build_strategy
from hpo.spaces.load import load_space
from hpo.studies.book.book import Book
from hpo.studies.book.open_study import open_study
from hpo.studies.book.terms import Row, TrialOutcome
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.studies.tracking.events import Event, TrialEnded, TrialStarted
from hpo.studies.tracking.tracker import NullTracker
from hpo.training.config import TrialConfig
from hpo.training.report import EpochReport

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.servers import Server, Wire

EPOCHS = 5
SLOTS = 2  # workers of a coordinator whose workers sleep
NAME = "scale"
ENDED = TrialOutcome(value=0.5, complete=True, usable=True)


@dataclass(frozen=True)
class Stage:
    """A tenth of a search: up to how many `trials`, the CPU of each in `ms`."""

    trials: int
    ms: float


@dataclass(frozen=True)
class Cost:
    """Milliseconds of a trial: of `cpu` here, and by the `wall`, the server's included."""

    cpu: float
    wall: float


class Coordinator:
    """A coordinator of the study behind `url`; random proposals, so that the store is what is measured.

    Trials have the space's `epochs`, or as many as are given.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        clock: VirtualClock | SystemClock,
        strategy: Mapping[str, Any] | None = None,
        epochs: int | None = None,
    ) -> None:
        self.home, self.clock = Home.locate(folder), clock
        space = load_space("simple_cnn", TrialConfig, [] if epochs is None else [f"budget.epochs={epochs}"])
        identity = identify(space, example_config(space), fingerprint="given curves", command="benchmark")
        study = open_study(open_storage(url), NAME, identity, accept_change=False)
        parts = {"strategy": "pruning", "sampler": "random", "pruner": "median", **(strategy or {})}
        self.strategy: Strategy = build_strategy(space, **parts, seed=0, direction="maximize", epochs=epochs or EPOCHS)
        self.book: Book[Claim] = Book(study, Claimer(space, self.strategy), clock.now)

    def search(self, trials: int, executor: Executor, tracker: NullTracker) -> None:
        """Search until the study has `trials`."""
        places = Places(self.home.cache, partial(self.home.trial, NAME))
        Loop(self.book, self.strategy, executor, tracker, NoProgress(), self.clock, Goal(trials), places).run()


class Ends(NullTracker):
    """Notes when the last trial has ended, by the wall."""

    def __init__(self) -> None:
        self.last = 0.0

    def tell(self, event: Event) -> None:
        """Hear of an event."""
        if isinstance(event, TrialEnded):
            self.last = time.monotonic()


class Starts(NullTracker):
    """Notes the CPU time at which each trial has started for the first time."""

    def __init__(self) -> None:
        self.cpu: list[float] = []

    def tell(self, event: Event) -> None:
        """Hear of an event."""
        if isinstance(event, TrialStarted) and event.trial == len(self.cpu):
            self.cpu.append(time.process_time())


def curve(epoch_s: float, job: Job) -> Sequence[EpochReport]:
    """Return noisy epochs of `epoch_s` seconds."""
    noise = random.Random(job.number)
    height = noise.random()
    values = [height * (1 - math.exp(-epoch / 3)) + noise.gauss(0, 0.01) for epoch in range(1, EPOCHS + 1)]
    return [EpochReport(epoch, {"val_accuracy": value}, epoch_s * epoch) for epoch, value in enumerate(values, 1)]


def level(epoch_s: float, job: Job) -> Sequence[EpochReport]:
    """Return epochs that are all alike, so that nothing is pruned."""
    return [EpochReport(epoch, {"val_accuracy": epoch / EPOCHS}, epoch_s * epoch) for epoch in range(1, EPOCHS + 1)]


def cost_ms(url: str, trials: int) -> float:
    """Return the CPU of a trial of ours, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        coordinator = Coordinator(url, Path(folder), VirtualClock(time.time()))
        began = time.process_time()
        executor = SimulatedExecutor(partial(level, 10.0), 1, coordinator.clock)
        coordinator.search(trials, executor, NullTracker())
        return (time.process_time() - began) * 1000 / trials


def stock_cost_ms(url: str, trials: int) -> float:
    """Return the CPU of a trial of `study.optimize`, in milliseconds."""
    storage = optuna.storages.RDBStorage(url)
    sampler, pruner = optuna.samplers.RandomSampler(seed=0), optuna.pruners.MedianPruner()
    study = optuna.create_study(storage=storage, study_name=NAME, direction="maximize", sampler=sampler, pruner=pruner)
    began = time.process_time()
    study.optimize(_objective, n_trials=trials)
    return (time.process_time() - began) * 1000 / trials


def _objective(trial: optuna.Trial) -> float:
    _suggest(trial)
    for epoch in range(1, EPOCHS + 1):
        trial.report(epoch / EPOCHS, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return 1.0


def _suggest(trial: optuna.Trial) -> None:
    """Draw what simple_cnn.yaml has: four dimensions."""
    trial.suggest_categorical("optimizer", ["sgd", "adamw"])
    trial.suggest_float("lr", 1e-4, 1.0, log=True)
    trial.suggest_float("weight_decay", 1e-6, 1e-2, log=True)
    trial.suggest_float("dropout", 0.0, 0.5)


def claims_a_second(server: Server, count: int, seconds: float, delay_s: float) -> float:
    """Return the claims of `count` coordinators together."""

    def ways(url: str) -> list[Callable[[], object]]:
        coordinators = [Coordinator(url, Path("/nowhere"), VirtualClock(time.time())) for _ in range(count)]
        return [partial(each.book.claim, None) for each in coordinators]

    return _rate(server, ways, seconds, delay_s)


def stock_asks_a_second(server: Server, count: int, seconds: float, delay_s: float) -> float:
    """Return the trials that `count` plain Optuna programs together ask for and draw."""

    def ways(url: str) -> list[Callable[[], object]]:
        optuna.create_study(storage=optuna.storages.RDBStorage(url), study_name=NAME)
        sampler = optuna.samplers.RandomSampler(seed=0)
        stores = [optuna.storages.RDBStorage(url) for _ in range(count)]
        studies = [optuna.load_study(study_name=NAME, storage=store, sampler=sampler) for store in stores]
        return [lambda study=study: _suggest(study.ask()) for study in studies]  # type: ignore[misc]

    return _rate(server, ways, seconds, delay_s)


def _rate(
    server: Server, ways: Callable[[str], Sequence[Callable[[], object]]], seconds: float, delay_s: float
) -> float:
    """Return how often a second all of `ways` together are gone, over a wire that takes `delay_s` each way."""
    wire = Wire(server.port)
    calls = ways(wire.through(server.database()))
    for call in calls:  # the first of each connects
        call()
    wire.delay_s = delay_s
    until = time.monotonic() + seconds

    def repeat(call: Callable[[], object]) -> int:
        done = 0
        while time.monotonic() < until:
            call()
            done += 1
        return done

    began = time.monotonic()
    with ThreadPoolExecutor(len(calls)) as threads:
        done = sum(threads.map(repeat, calls))
    took_s = time.monotonic() - began
    wire.close()
    return done / took_s


def efficiency(url: str, count: int, rounds: int, epoch_s: float) -> float:
    """Return the share of the time that the workers of `count` coordinators train."""
    trials = count * SLOTS * rounds
    processes = get_context("spawn")
    barrier, ends = processes.Barrier(count + 1), processes.SimpleQueue()
    workers = [processes.Process(target=_coordinate, args=(url, trials, epoch_s, barrier, ends)) for _ in range(count)]
    for worker in workers:
        worker.start()
    barrier.wait()
    began = time.monotonic()
    ended = max(ends.get() for _ in workers)
    for worker in workers:
        worker.join()
    return trials * EPOCHS * epoch_s / (count * SLOTS * (ended - began))


def _coordinate(url: str, trials: int, epoch_s: float, barrier: Barrier, ends: Any) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        coordinator, meter = Coordinator(url, Path(folder), SystemClock()), Ends()
        executor = SimulatedExecutor(partial(level, epoch_s), SLOTS, coordinator.clock)
        barrier.wait()
        coordinator.search(trials, executor, meter)
    ends.put(meter.last)


def growth_ms(url: str, sizes: Sequence[int], measured: int) -> dict[int, Cost]:
    """Return what a trial of five epochs takes, by how many trials the study has."""
    book = Coordinator(url, Path("/nowhere"), VirtualClock(time.time())).book
    costs, trials = {}, 0
    for size in sizes:
        while trials < size - measured:  # with one epoch each, which is faster
            _run(book, 1)
            trials += 1
        cpu, wall = time.process_time(), time.monotonic()
        for _ in range(measured):
            _run(book, EPOCHS)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
        costs[size], trials = Cost(cpu * 1000 / measured, wall * 1000 / measured), trials + measured
    return costs


def _run(book: Book[Claim], epochs: int) -> None:
    claim = book.claim(None)
    assert isinstance(claim, Claim)
    for epoch in range(1, epochs + 1):
        book.report([Row(claim.number, epoch, epoch / EPOCHS)], lambda _: {})
    book.finish(claim.number, ENDED)


def virtual(workers: int, trials: int) -> list[Stage]:
    """Return the CPU of a trial by tenths of a search of so many workers, by a virtual clock.

    Narrow rungs are what `auto` picks for it. Proposals are random: those of a model would be most of the cost.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {"strategy": "narrow_rungs", "sampler": "random", "pruner": None, "trials": trials}
        url, clock = sqlite_url(folder / "studies.db"), VirtualClock(time.time())
        coordinator, starts = Coordinator(url, folder, clock, settings), Starts()
        coordinator.search(trials, SimulatedExecutor(partial(curve, 60.0), workers, clock), starts)
    tenth = trials // 10
    ends = [*starts.cpu[::tenth], starts.cpu[-1]]
    costs = [(after - before) * 1000 / tenth for before, after in pairwise(ends)]
    return [Stage(number * tenth, cost) for number, cost in enumerate(costs, start=1)]
