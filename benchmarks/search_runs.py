"""The runs of a comparison: each is done once, and kept in a journal beside the result."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import optuna
import search_entrants
from search_tables import CurveTable
from search_trace import Step, Trace

R = TypeVar("R")
D = TypeVar("D")

# seeds that every entrant has before one has more: a table of fewer of them says little
SEEDS_TOGETHER = 10

CHECKED = 0  # the seed by which strategies of ours search through the book as well


@dataclass(frozen=True)
class Run:
    """A search to be done."""

    entrant: str
    table: CurveTable
    seed: int
    workers: int
    cap: int

    @property
    def key(self) -> str:
        """What decides what it finds."""
        what = search_entrants.what_decides(self.entrant)
        return f"{self.entrant} | {what} | {self.table.digest} | {self.seed} | {self.workers} | {self.cap}"

    def do(self) -> "Done":
        """Search."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # also in a process of a pool
        began = time.process_time()
        setting = self.entrant, self.table, self.seed, self.workers, self.cap
        trace = search_entrants.search(*setting)
        done = Done(trace, time.process_time() - began)
        if self.seed == CHECKED:
            search_entrants.check_ledger(*setting)
        return done


@dataclass(frozen=True)
class Done:
    """What a run has found, in so many seconds of CPU."""

    trace: Trace
    cpu_s: float


class Journal:
    """The runs that are done, in a file with a line for each; of all settings that were ever asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        # a line that a kill cut short has no end
        self._lines = dict(map(json.loads, (line for line in lines if line.endswith("\n"))))
        if lines and not lines[-1].endswith("\n"):
            path.write_text("".join(lines[:-1]))

    def get(self, key: str) -> Done | None:
        """Return what was found under `key`; None where it was not run."""
        if (found := self._lines.get(key)) is None:
            return None
        steps, epochs, wall, cpu_s = found
        return Done(Trace([Step(*step) for step in steps], epochs, wall), cpu_s)

    def add(self, key: str, done: Done) -> None:
        """Append what was found under `key`."""
        trace = done.trace
        found = [[list(step) for step in trace.steps], trace.epochs, trace.wall, round(done.cpu_s, 3)]
        self._lines[key] = found
        with self._path.open("a") as file:
            file.write(json.dumps([key, found]) + "\n")


@dataclass(frozen=True)
class Comparison:
    """What is compared: `entrants` on `tables`, by `seeds`, with each number of `workers`, in at most `cap` epochs."""

    entrants: Sequence[str]
    tables: Sequence[CurveTable]
    seeds: int
    workers: Sequence[int]
    cap: int

    def parts(self) -> Iterator[Sequence[Run]]:
        """Yield the runs in parts after which there is something new to see."""
        seeds = [
            range(first, min(first + SEEDS_TOGETHER, self.seeds)) for first in range(0, self.seeds, SEEDS_TOGETHER)
        ]
        for some, workers, entrant in product(seeds, self.workers, self.entrants):
            yield [self._run(entrant, table, seed, workers) for table, seed in product(self.tables, some)]

    def done(self, journal: Journal, entrant: str, workers: int) -> Mapping[str, Sequence[Done]]:
        """Return what is done, by table and in the order of seeds."""
        found = {
            table.name: [journal.get(self._run(entrant, table, seed, workers).key) for seed in range(self.seeds)]
            for table in self.tables
        }
        return {table: [done for done in each if done is not None] for table, each in found.items()}

    def _run(self, entrant: str, table: CurveTable, seed: int, workers: int) -> Run:
        return Run(entrant, table, seed, workers, self.cap)


def finished(runs: Sequence[R], do: Callable[[R], D], jobs: int) -> Iterator[tuple[R, D]]:
    """Do `runs`, `jobs` at a time; yield each with what was found as soon as it is done."""
    if jobs == 1 or len(runs) < 2:
        yield from ((run, do(run)) for run in runs)
        return
    # spawned: numpy and Optuna have threads, which a fork does not survive
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        futures = {pool.submit(do, run): run for run in runs}
        for future in as_completed(futures):
            yield futures[future], future.result()


def do(runs: Sequence[Run], journal: Journal, jobs: int) -> int:
    """Do those runs that are not in the journal, `jobs` at a time; return how many there were."""
    missing = [run for run in runs if journal.get(run.key) is None]
    for run, done in finished(missing, Run.do, jobs):
        journal.add(run.key, done)
    return len(missing)
