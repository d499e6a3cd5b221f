"""One pass over the training images."""

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
    """Train epoch `number` (from 1) of `steps` batches; `peak` is what earlier epochs have left of the peak rate.

    `tell` hears how many batches are done.

    Returns:
        The training metrics, or why the epoch was left before its end: STOPPED, PAUSED or DIVERGED.
    """
    device = learner.precision.device
    meter, watch = Meter(device), DivergenceWatch(device)
    step, total, lr = (number - 1) * steps, config.budget.epochs * steps, 0.0
    started = time.perf_counter()
    learner.model.train()
    with seeded(config.seed, number, device):
        for images, labels in batches:
            if (wish := signal()) is not Signal.CONTINUE:
                return _ENDED_BY[wish]
            lr = config.optimizer.lr * peak * lr_factor(config.schedule, step, total)
            loss, logits, norm = learner.step(images, labels, lr)
            meter.add(loss, logits, labels, norm)
            if watch.diverged(meter.loss):
                return Status.DIVERGED
            step += 1
            tell(step - (number - 1) * steps)
    metrics = meter.read()  # waits for the device, so that the time below is the whole time
    seconds = time.perf_counter() - started
    if not math.isfinite(metrics["train_loss"]):
        return Status.DIVERGED
    return {**metrics, "lr": lr, "images_per_s": meter.images / seconds}
