"""train(): one training, as an iterator of epoch reports and one result."""

import gc
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ..common.atomic import write_atomic
from .checkpoints.checkpoint import own_files
from .checkpoints.training_folder import RESULT
from .config import TrialConfig
from .data.pack import Pack
from .diagnosis.verdict import judge_folds
from .loop.assignment import Assignment
from .loop.history import result_to_json
from .loop.replicas import Replicas
from .loop.training import Training
from .loop.wanted_metrics import FitOn
from .machine.allocator import keep_freed_memory, return_freed_memory
from .machine.memory import Card, is_out_of_memory, judge_shortage
from .report import Activity, EpochReport, Signal, Status, TrainResult


def always_continue() -> Signal:
    """The signal of a training that nobody steers."""
    return Signal.CONTINUE


def ignore_history(history: Sequence[EpochReport]) -> None:
    """Ignore what a training had done before."""


def ignore_activity(activity: Activity) -> None:
    """Ignore what a training is busy with."""


def train(
    config: TrialConfig,
    *,
    pack: Path,
    directory: Path,
    device: str = "cpu",
    fit_on: FitOn = "train",
    last_epoch: int | None = None,
    alone: bool = True,
    timeout_s: float = math.inf,
    signal: Callable[[], Signal] = always_continue,
    tell: Callable[[Activity], None] = ignore_activity,
    resumed: Callable[[Sequence[EpochReport]], None] = ignore_history,
    replicas: Replicas | None = None,
) -> Iterator[EpochReport | TrainResult]:
    """Train a configuration; yield an EpochReport per epoch, then one TrainResult.

    Where `directory` holds a checkpoint of the same training it goes on from there, without yielding the old epochs
    again, and on a CPU ends bit-identical to a training that was never interrupted. Closing the iterator abandons the
    training to its last checkpoint.

    With `data.folds` it trains as often, each time validated on one fold, and a report is one of all their epochs (see
    EpochReport); the folder has the checkpoint of the fold in progress.

    Args:
        config: the whole training, with what `auto` means settled (see decide_numerics).
        pack: directory of the packed data set.
        directory: gets config.json, last.ckpt, best.ckpt, partial.ckpt where it is paused within an epoch, and
            result.json when the training ends.
        device: "cpu", "cuda" or "cuda:1".
        fit_on: "train_and_val" trains on both splits for a final model: nothing is validated, nothing stops early,
            and the last epoch counts.
        last_epoch: end after this epoch, as if the budget were spent; the schedule keeps its length. None: the budget.
            With folds it is one of those that are numbered through.
        alone: False where another try without neighbours on the card is possible: out of memory beside other
            processes, it then ends with Status.CROWDED and not with Status.OUT_OF_MEMORY.
        timeout_s: seconds of training, those of former runs included, after which it ends with Status.TIMED_OUT at its
            next batch; a training whose last epoch is over by then has finished.
        signal: asked before every batch. STOP ends with Status.STOPPED and discards the epoch that it interrupts; PAUSE
            ends with Status.PAUSED and keeps the part that is done.
        tell: is called with what the training is busy with, after every batch: it must return at once.
        resumed: is called with the epochs of the checkpoint that the training goes on from.
        replicas: the processes of other devices, kept for the next training; None: a training ends those that it needs.

    Raises:
        TrainingError: the configuration cannot be trained, asks for a metric that means nothing on these data, or for
            more cards than there are.
        ReplicaError: another device that shares the batches has failed.
        DataError: the pack cannot be used.
        MachineError: the directory could not be read or written, for example on a full disk.
    """
    if torch.device(device).type == "cpu":
        keep_freed_memory()  # a ResNet step is about 1.2 times as fast with it
    data = Pack.open(pack)
    with Replicas() as own:
        others = own if replicas is None or config.devices == 1 else replicas
        on = torch.device(device)
        asked = Assignment(config, data, directory, on, tell, fit_on, last_epoch, timeout_s, others)
        training = Training.begin(asked)
        while True:
            following = None  # else the training before would be kept in memory
            try:
                result = yield from training.epochs(signal, resumed)
                following = training.following() if result.status is Status.FINISHED else None
            except Exception as error:
                others.close()  # they may wait for this one in the middle of a step
                if not is_out_of_memory(error):
                    raise
                card = Card.of(on) if on.type == "cuda" else None
                result = training.result(*judge_shortage(error, card, alone=alone))
            if following is None:
                break
            training, resumed = following, ignore_history  # what that is called with belongs to the first
    gc.collect()  # a model that ran out of memory is kept alive by cycles through its traceback
    # Gives cached blocks back to the driver, for other processes on the card; without effect where CUDA is not in use.
    torch.cuda.empty_cache()
    return_freed_memory()
    limited = training.limits.judged(result)
    result = replace(
        result,
        message=result.message or config.constraints.broken(limited),
        lr_factors=training.lr_factors,
        verdict=judge_folds(result, config, [view.counts["train"] for view in data.views]),
        excesses=config.constraints.excesses(limited),
    )
    with own_files(directory, "the result could not be written"):
        write_atomic(directory / RESULT, json.dumps(result_to_json(result), indent=2).encode())
    yield result
