"""A coordinator as a process of its own: the loop of a search on a database, with a training that only waits.

    python coordinator.py URL TRIALS GRACE_S FOLDER BASE

It prints each line for the user. Its epochs have the value BASE and a hundredth each, so that a trial shows who has
trained it.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

import optuna
from hpo.search.configuration.claim import Claimer
from hpo.search.executors.clock import SystemClock
from hpo.search.executors.inline import InlineExecutor
from hpo.search.loop.goal import Goal, Places
from hpo.search.loop.loop import Loop
from hpo.search.progress.base import NoProgress
from hpo.search.strategy.strategy import build_strategy
from hpo.spaces.parameter import Float
from hpo.spaces.space import Fixed, SearchSpace
from hpo.studies.book.book import Book
from hpo.studies.book.heart import beating
from hpo.studies.store.patience import Patience
from hpo.studies.store.storage import hush_optuna, open_storage
from hpo.studies.tracking.tracker import NullTracker
from hpo.training.loop.history import Progress
from hpo.training.report import EpochReport, Signal, Status

EPOCHS, EPOCH_S = 10, 0.3
SPACE = SearchSpace(
    "wait",
    (Float("optimizer.lr", 1e-4, 1.0, log=True),),
    (Fixed("optimizer.name", "sgd"), Fixed("budget.epochs", EPOCHS), Fixed("data.source", "digits")),
)


class Lines(NoProgress):
    """Who prints what a user is told."""

    def note(self, text: str) -> None:
        print(text, flush=True)


def waiting(base: float) -> ModuleType:
    """What stands for the module of the training."""

    def train(config: Any, *, signal: Callable[[], Signal], **_: Any) -> Iterator[Any]:
        progress = Progress(config.objective)
        for epoch in range(1, EPOCHS + 1):
            if signal() is not Signal.CONTINUE:
                yield progress.result(Status.STOPPED)
                return
            time.sleep(EPOCH_S)
            yield progress.add(EpochReport(epoch, {"val_accuracy": base + epoch / 100}, epoch * EPOCH_S))
        yield progress.result(Status.FINISHED)

    module = ModuleType("hpo.training.train")
    module.train = train  # type: ignore[attr-defined]
    return module


def main(url: str, trials: str, grace_s: str, folder: str, base: str) -> None:
    """Search until the study `s` has `trials` trials."""
    time.sleep = Event().wait  # type: ignore[assignment]  # libfaketime 0.9.10 refuses the sleep of Python 3.11
    sys.modules["hpo.training.train"] = waiting(float(base))
    hush_optuna()
    clock, lines = SystemClock(), Lines()
    storage = open_storage(url, Patience(lines.note))
    study = optuna.load_study(study_name="s", storage=storage)
    what = {"strategy": "pruning", "sampler": "random", "pruner": "none"}
    strategy = build_strategy(SPACE, **what, seed=0, direction="maximize", epochs=EPOCHS)
    book = Book(study, Claimer(SPACE, strategy), clock.now, Patience(lines.note), float(grace_s))
    places = Places(Path(folder, "pack"), lambda number: Path(folder, str(number)))
    with beating(book):
        Loop(book, strategy, InlineExecutor(), NullTracker(), lines, clock, Goal(int(trials)), places).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
