"""The training steps of one epoch."""

import math
import time
from collections.abc import Callable, Iterable

from torch import Tensor

from ..config import TrialConfig
from ..machine.seeding import seeded
from ..optim.schedules import lr_factor
from ..report import Signal, Status
from .learner import Learner
from .meter import DivergenceWatch, Meter

# What ended an epoch early, as the status of the whole training.
_ENDED_BY = {Signal.STOP: Status.STOPPED, Signal.PAUSE: Status.PAUSED}


def train_epoch(
    learner: Learner,
    batches: Iterable[tuple[Tensor, Tensor]],
    config: TrialConfig,
    *,
    number: int,
    steps: int,
    signal: Callable[[], Signal],
    tell: Callable[[int], None],
    peak: float = 1.0,
) -> dict[str, float] | Status:
    """Train epoch `number` (from 1) of `steps` batches.

    `tell` is called after each batch with the number of batches done; `peak`, in [0, 1], is the share of the scheduled
    learning rate that is left in this epoch (plateau and piecewise schedules).

    Returns:
        The training metrics, or why the epoch was left before its end: STOPPED, PAUSED or DIVERGED.
    """
    device = learner.precision.device
    meter, watch = Meter(device), DivergenceWatch(device)
    # note: the schedule runs over optimiser steps of the whole budget, not of this epoch, so a resumed training needs
    # no state of it: the step follows from the epoch's number.
    step, total, lr = (number - 1) * steps, config.budget.epochs * steps, 0.0
    started = time.perf_counter()
    learner.model.train()
    # Dropout and random layers draw from (seed, epoch): an epoch that is trained again after a resume draws the same.
    with seeded(config.seed, number, device):
        for images, labels in batches:
            # Asked before the step, so that a pruned trial costs no further batch; the epoch's work so far is dropped.
            if (wish := signal()) is not Signal.CONTINUE:
                return _ENDED_BY[wish]
            lr = config.optimizer.lr * peak * lr_factor(config.schedule, step, total)
            loss, logits, norm = learner.step(images, labels, lr)
            meter.add(loss, logits, labels, norm)
            # On CUDA this does not wait for the device: it may see NaN some steps late.
            if watch.diverged(meter.loss):
                return Status.DIVERGED
            step += 1
            tell(step - (number - 1) * steps)
    metrics = meter.read()  # waits for the device, so that the time below is the whole time
    seconds = time.perf_counter() - started
    # The watch looks every few steps on CUDA: the last ones of the epoch are only seen here.
    if not math.isfinite(metrics["train_loss"]):
        return Status.DIVERGED
    return {**metrics, "lr": lr, "images_per_s": meter.images / seconds}
