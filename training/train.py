"""train(): one training run, as an iterator of epoch reports that ends with one result."""

import gc
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch

from ..common.atomic import write_atomic
from .checkpoints.run_folder import RESULT
from .config import TrialConfig
from .data.pack import Pack
from .diagnosis.verdict import judge
from .loop.history import result_to_json
from .loop.training import FitOn, Run
from .machine.allocator import keep_freed_memory, return_freed_memory
from .machine.memory import is_out_of_memory
from .report import Activity, EpochReport, Signal, Status, TrainResult


def always_continue() -> Signal:
    """The signal of a run that nobody steers."""
    return Signal.CONTINUE


def tell_nobody(activity: Activity) -> None:
    """What a run is busy with, where nobody watches."""


def train(
    config: TrialConfig,
    *,
    pack: Path,
    directory: Path,
    device: str = "cpu",
    fit_on: FitOn = "train",
    last_epoch: int | None = None,
    signal: Callable[[], Signal] = always_continue,
    tell: Callable[[Activity], None] = tell_nobody,
) -> Iterator[EpochReport | TrainResult]:
    """Train as `config` says; yields an EpochReport after each epoch and, last, exactly one TrainResult.

    Where `directory` holds a checkpoint of the same run it goes on from there, without yielding the old epochs again,
    and on a CPU ends bit-identical to a run that was never interrupted. Closing the iterator abandons the run to its
    last checkpoint.

    Args:
        config: the whole run, with what `auto` means settled (see decide_numerics).
        pack: directory of the packed data set.
        directory: gets config.json, last.ckpt, best.ckpt and, when the run ends, result.json.
        device: "cpu", "cuda" or "cuda:1".
        fit_on: "train_and_val" trains on both splits for a final model: nothing is validated, nothing stops early,
            and the best epoch is the last.
        last_epoch: end after this epoch, as if the budget were spent; the schedule keeps its length. None: the budget.
        signal: asked before every batch. STOP ends with Status.STOPPED, PAUSE with Status.PAUSED; both discard the
            epoch they interrupt.
        tell: hears what the run is busy with, after every batch: it must return at once.

    Raises:
        TrainingError: the configuration cannot be trained, or wants a metric that means nothing on these data.
        DataError: the pack cannot be used.
        CheckpointError: a checkpoint could not be written, for example on a full disk.
    """
    if torch.device(device).type == "cpu":
        keep_freed_memory()
    data = Pack.open(pack)
    run = Run(config, data, directory, torch.device(device), tell, fit_on, last_epoch)
    try:
        result = yield from run.epochs(signal)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        result = run.progress.result(Status.OUT_OF_MEMORY, str(error).strip().splitlines()[0])
    gc.collect()  # a model that ran out of memory is kept alive by cycles through its traceback
    torch.cuda.empty_cache()  # without effect where CUDA is not in use
    return_freed_memory()
    verdict = judge(result, config, data.counts["train"])
    result = replace(result, verdict=verdict, lr_factors=run.lr_factors)
    write_atomic(directory / RESULT, json.dumps(result_to_json(result), indent=2).encode())
    yield result
