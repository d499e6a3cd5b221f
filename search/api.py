"""`hpo.run` and `hpo.train` for notebooks and scripts: what the commands do, watched by plain lines."""

import sys

from .options import RunOptions
from .progress.plain import PlainProgress
from .retrain_progress import PlainWatcher
from .run import RunResult, Watcher
from .run import run as search
from .train import TrainOutcome
from .train import train as train_one
from .train_choice import TrainOptions


def run(options: RunOptions) -> RunResult:
    """Search until the study holds `options.trials` finished trials; progress goes to standard error.

    Raises:
        HpoError: the space, the data, the study or an option is wrong.
    """
    return search(options, Watcher(_no_stage, _plain, _note))


def train(options: TrainOptions) -> TrainOutcome:
    """Train one configuration, without a study; progress goes to standard error.

    Raises:
        HpoError: the space, the trial, the data, the folder or an option is wrong.
    """
    return train_one(options, PlainWatcher())


def _no_stage(stage: str, done: int, total: int) -> None:
    """Packing is quick, or done before."""


def _plain(study: str, total: int, done: int, direction: str) -> PlainProgress:
    return PlainProgress(study, total, direction=direction)


def _note(text: str) -> None:
    print(text, file=sys.stderr)
