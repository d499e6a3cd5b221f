"""A search in virtual time: what outlives a coordinator, and a progress view that remembers."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from hpo.search.configuration.claim import Claim, Claimer
from hpo.search.executors.base import Job
from hpo.search.executors.clock import VirtualClock
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Goal, Outcome, Places
from hpo.search.loop.loop import Loop
from hpo.search.progress.base import NoProgress, Progress
from hpo.search.strategy.strategy import Strategy, build_strategy
from hpo.spaces.parameter import Float
from hpo.spaces.space import Fixed, SearchSpace
from hpo.studies.book.book import Book
from hpo.studies.book.terms import Plan
from hpo.studies.store.storage import open_storage
from hpo.studies.tracking.tracker import NullTracker, Tracker
from hpo.training.report import EpochReport
from optuna.trial import TrialState

EPOCHS = 10
SPACE = SearchSpace(
    "curve",
    (Float("optimizer.lr", 1e-4, 1.0, log=True),),
    (Fixed("optimizer.name", "sgd"), Fixed("budget.epochs", EPOCHS), Fixed("data.source", "digits")),
)


def curve(job: Job) -> list[EpochReport]:
    """Best near lr = 0.03; ten virtual seconds an epoch."""
    ceiling = 1 - abs(math.log10(job.config.optimizer.lr) + 1.5) / 4
    values = [ceiling * (1 - math.exp(-e / 3)) for e in range(1, EPOCHS + 1)]
    return [EpochReport(e, {"val_accuracy": v}, elapsed_s=10.0 * e) for e, v in enumerate(values, start=1)]


@dataclass
class World:
    """What outlives a coordinator: the store, the disk, the clock."""

    directory: Path
    storage: optuna.storages.BaseStorage = field(default_factory=lambda: open_storage("sqlite://"))
    clock: VirtualClock = field(default_factory=VirtualClock)
    checkpoints: dict[int, int] = field(default_factory=dict)
    losses: dict[int, int] = field(default_factory=dict)
    seed: int = 0
    direction: Any = "maximize"

    @classmethod
    def on_disk(cls, directory: Path) -> "World":
        """A world whose store other programs can open; its clock shows the real time, which the store notes."""
        return cls(directory, open_storage(f"sqlite:///{directory}/studies.db"), VirtualClock(time.time()))

    def strategy(
        self, sampler: str = "tpe", space: SearchSpace = SPACE, pruner: str = "none", audit: float = 0.0
    ) -> Strategy:
        what: dict[str, Any] = {"strategy": "pruning", "sampler": sampler, "pruner": pruner, "audit": audit}
        return build_strategy(space, **what, seed=self.seed, direction=self.direction, epochs=EPOCHS)

    def at_rungs(
        self, trials: int | None, strategy: str = "rungs", sampler: str = "random", audit: float = 0.0
    ) -> Strategy:
        """A strategy that pauses trials: `rungs` does so after 1 and 4 of the 10 epochs."""
        what: dict[str, Any] = {"strategy": strategy, "sampler": sampler, "pruner": None, "trials": trials}
        what["audit"] = audit
        return build_strategy(SPACE, **what, seed=self.seed, direction=self.direction, epochs=EPOCHS)

    def book(self, sampler: str = "tpe", space: SearchSpace = SPACE, strategy: Strategy | None = None) -> Book[Claim]:
        study = optuna.create_study(storage=self.storage, study_name="s", direction=self.direction, load_if_exists=True)
        return Book(study, Claimer(space, strategy or self.strategy(sampler, space)), self.clock.now)

    def loop(
        self,
        trials: int | None,
        *,
        executor: Any = None,
        slots: int = 2,
        sampler: str = "tpe",
        space: SearchSpace = SPACE,
        pruner: str = "none",
        progress: Progress | None = None,
        tracker: Tracker | None = None,
        plan: Plan | None = None,
        strategy: Strategy | None = None,
        **goal: Any,
    ) -> Loop:
        executor = executor or self.executor(slots)
        places = Places(self.directory / "pack", lambda number: self.directory / str(number))
        watchers = tracker or NullTracker(), progress or NoProgress()
        strategy = strategy or self.strategy(sampler, space, pruner)
        book, goal_ = self.book(space=space, strategy=strategy), Goal(trials, **goal)
        return Loop(book, plan or strategy, executor, *watchers, self.clock, goal_, places)

    def executor(self, slots: int = 2, kind: Callable[..., Any] = SimulatedExecutor, **more: Any) -> Any:
        return kind(curve, slots, self.clock, self.losses, self.checkpoints, **more)

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        return self.storage.get_all_trials(self.storage.get_study_id_from_name("s"))

    def states(self) -> list[TrialState]:
        return [trial.state for trial in self.trials()]


@dataclass
class Screen(NoProgress):
    """Who is told."""

    notes: list[str] = field(default_factory=list)
    ended: dict[int, tuple[str, str]] = field(default_factory=dict)

    def epoch(self, number: int, report: EpochReport, value: float) -> None:
        assert number not in self.ended

    def trial_ended(self, number: int, state: str, value: float | None, status: str, message: str) -> None:
        assert number not in self.ended
        self.ended[number] = (state, message)

    def note(self, text: str) -> None:
        self.notes.append(text)


def search(world: World, trials: int, executor: Any = None) -> Screen:
    """Run to `trials` trials; what was told."""
    screen = Screen()
    loop = world.loop(trials, executor=executor, progress=screen)
    assert loop.run() is Outcome.DONE
    return screen
