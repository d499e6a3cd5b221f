"""The training steps of one epoch."""

import math
import time
from collections.abc import Callable

from ..config import TrialConfig
from ..data.batches import TrainBatches
from ..data.reader import Batch
from ..machine.seeding import generator_states, seeded, set_generator_states
from ..optim.schedules import lr_factor
from ..report import Signal, Status
from .learner import Learner
from .meter import DivergenceWatch, Meter
from .partial_epoch import NOTHING, PartialEpoch
from .replicas import Replicas


def train_epoch(
    learner: Learner,
    batches: TrainBatches,
    config: TrialConfig,
    *,
    number: int,
    signal: Callable[[], Signal],
    left_s: float,
    tell: Callable[[int], None],
    peak: float = 1.0,
    begun: PartialEpoch = NOTHING,
    replicas: Replicas,
) -> dict[str, float] | PartialEpoch | Status:
    """Train epoch `number` (from 1), or what is left of it after the part that has `begun`.

    `left_s` seconds may be trained from here on, math.inf for no limit. `tell` is called after each batch with the
    number of batches done; `peak`, in [0, 1], is the share of the scheduled learning rate that is left in this epoch
    (plateau and piecewise schedules); `replicas` take the same steps on other devices.

    Returns:
        The training metrics, or why the epoch was left before its end: STOPPED, TIMED_OUT or DIVERGED, and where it was
        paused the part that is done, PAUSED where that is none.
    """
    device = learner.precision.device
    meter, watch = Meter(device), DivergenceWatch(device)
    steps, epoch = batches.steps, batches.epoch(number, begun.done, begun.streams)
    # note: the schedule runs over optimiser steps of the whole budget, not of this epoch, so a resumed training needs
    # no state of it: the step follows from the epoch's number.
    before, total, lr = (number - 1) * steps, config.budget.epochs * steps, 0.0
    started = time.perf_counter()
    learner.model.train()
    # Dropout and random layers draw from (seed, epoch): an epoch that is trained again after a resume draws the same.
    with seeded(config.seed, number, device):
        replicas.begin_epoch(number)
        if begun.done:
            meter.load(begun.sums)
            set_generator_states(begun.generators, device)
        for done in range(begun.done, steps):
            # Asked before the batch is made: a pruned trial costs none, and a paused one has drawn nothing for it.
            match signal():
                case Signal.STOP:
                    return Status.STOPPED
                # several devices keep no part: each has its own dropout masks and statistics of norms
                case Signal.PAUSE if not done or config.devices > 1:
                    return Status.PAUSED
                case Signal.PAUSE:
                    elapsed_s = begun.elapsed_s + time.perf_counter() - started
                    return PartialEpoch(done, elapsed_s, meter.state(), generator_states(device), epoch.streams)
            if time.perf_counter() - started >= left_s:
                return Status.TIMED_OUT
            lr = config.optimizer.lr * peak * lr_factor(config.schedule, before + done, total)
            with replicas.step(lr):
                take_step(learner, meter, next(epoch), lr)
            # On CUDA this does not wait for the device: it may see NaN some steps late.
            if watch.diverged(meter.loss):
                return Status.DIVERGED
            tell(done + 1)
    with replicas.end_epoch():
        end_epoch(learner, meter)
    metrics = meter.read()  # waits for the device, so that the time below is the whole time
    seconds = begun.elapsed_s + time.perf_counter() - started
    # The watch looks every few steps on CUDA: the last ones of the epoch are only seen here.
    if not math.isfinite(metrics["train_loss"]):
        return Status.DIVERGED
    return {**metrics, "lr": lr, "images_per_s": meter.images / seconds}


def take_step(learner: Learner, meter: Meter, batch: Batch, lr: float) -> None:
    """Take a step on this device's part of a batch, and add it to the epoch's sums."""
    images, labels, weight = learner.group.part(*batch, learner.least_images)
    loss, logits, norm = learner.step(images, labels, lr, weight)
    if weight:  # else another device takes the whole batch, and counts it
        meter.add(loss, logits, labels, norm)


def end_epoch(learner: Learner, meter: Meter) -> None:
    """Add up the sums of all devices, and agree on the buffers of the model."""
    meter.add_up(learner.group)
    learner.agree()
