"""`hpo train`: one training, without a study."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ...common.plural import plural
from ..commands.train.options import TrainOptions
from .common import JsonOption, command, print_json, say, tell

if TYPE_CHECKING:
    from ...training.report import Verdict
    from ..commands.train.train import TrainOutcome

WORK_FAILED = 1


@command
def train(options: TrainOptions, json: JsonOption = False) -> None:
    """Train one configuration of a space, or a trial's again.

    Each dimension has its prior, else its middle value. The folder holds config.json, result.json, last.ckpt and
    best.ckpt. Interrupted, it goes on with --resume.
    """
    from contextlib import closing

    from ...training.report import Status
    from ..commands.train.train import train as train_one
    from ..progress.single import watcher

    with closing(watcher()) as view:
        outcome = train_one(options, view)
    if json:
        print_json(outcome.to_json())
    _tell_result(outcome, say if json else tell)  # under --json standard output is for the object alone
    if outcome.result.status is not Status.FINISHED:
        raise typer.Exit(WORK_FAILED)


def _tell_result(outcome: "TrainOutcome", tell: Callable[[str], None]) -> None:
    from ..progress.format import number_of

    result = outcome.result
    status = result.status.value.replace("_", " ")
    early = ", stopped early" if result.early_stopped else ""
    epochs = plural(len(result.history), "epoch")
    tell(f"{status} after {epochs}{early}{f': {result.message}' if result.message else ''}")
    if result.best is not None:
        best = result.best
        metrics = [
            f"{name} {number_of(value)}" for name, value in best.metrics.items() if name.startswith(("val_", "train_"))
        ]
        folds = sum(report.ends_fold for report in result.history)
        of = f"means over {folds} folds, of" if folds else "weights of"
        tell(f"{of} epoch {best.epoch}: {'  '.join(metrics)}")
    if result.verdict is not None:
        tell(f"verdict: {result.verdict.kind}: {result.verdict.evidence}")
        if result.verdict.advice:
            _tell_advice(outcome.directory, result.verdict, tell)


def _tell_advice(directory: Path, verdict: "Verdict", tell: Callable[[str], None]) -> None:
    from ...training.checkpoints.training_folder import TrainingFolder
    from ..commands.diagnose.advice import Target

    # opened anew: what `auto` meant is settled in the folder's configuration
    target = Target.training(directory, TrainingFolder.open(directory).config)
    tell(f"try: {verdict.advice}")
    for line in target.commands(verdict.settings):
        tell(f"  {line}")
