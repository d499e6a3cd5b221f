"""A training without torch for worker processes that have this folder on their path: it starts in a fifth of the time.

It keeps what an executor relies on: a report an epoch and one result, a look at the signal before each batch, a
checkpoint after each epoch, with the mark of its epochs, that the next training goes on from. A file `raises` in the
trial's folder names an error that it begins with. Python imports this module as it starts.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

BATCHES, BATCH_S = 5, 0.002


def train(
    config: Any, *, directory: Path, signal: Callable[[], Any], resumed: Callable[[Any], None], **_: Any
) -> Iterator[Any]:
    """As `hpo.training.train.train`, of a network that learns the same whatever it is given."""
    from hpo.common.atomic import write_atomic
    from hpo.errors import TrainingError
    from hpo.training.checkpoints.files import DIGEST_MARK, Epochs
    from hpo.training.loop.history import Progress, report_from_json, report_to_json
    from hpo.training.report import EpochReport, Signal, Status

    directory.mkdir(parents=True, exist_ok=True)
    if (wanted_error := directory / "raises").exists():
        raise (TrainingError if wanted_error.read_text() == "TrainingError" else ValueError)("as wanted")
    checkpoint = directory / "last.ckpt"
    progress = Progress(config.objective)
    for row in json.loads(checkpoint.read_bytes().partition(b"hpo-epochs:")[0]) if checkpoint.exists() else []:
        progress.add(report_from_json(row))
    if progress.history:
        resumed(tuple(progress.history))
    for epoch in range(len(progress.history) + 1, config.budget.epochs + 1):
        for _batch in range(BATCHES):
            if (wanted := signal()) is not Signal.CONTINUE:
                yield progress.result(Status.STOPPED if wanted is Signal.STOP else Status.PAUSED)
                return
            time.sleep(BATCH_S)
        metrics = {"val_accuracy": 1 - 1 / (epoch + 1), "train_loss": 1 / epoch}
        report = progress.add(EpochReport(epoch, metrics, epoch * 0.01))
        rows = json.dumps([report_to_json(one) for one in progress.history]).encode()
        for name in ("best.ckpt", "last.ckpt"):
            write_atomic(directory / name, rows + Epochs(epoch, epoch).to_bytes() + DIGEST_MARK + bytes(32))
        yield report
    yield progress.result(Status.FINISHED)


module = ModuleType("hpo.training.train")
module.train = train  # type: ignore[attr-defined]
sys.modules[module.__name__] = module
