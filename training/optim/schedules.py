"""Learning-rate schedules as pure functions of step and past epochs.

Resuming needs no state of them.
"""

import math
from collections.abc import Callable, Sequence

from ..metric_names import improves
from .config import Constant, Cosine, OneCycle, Piecewise, Plateau, ScheduleConfig, Step


def lr_factor(schedule: ScheduleConfig, step: int, total: int) -> float:
    """Return the learning rate at a step over the peak, in (0, 1].

    `step` counts optimiser steps from 0, of `total`.

    Cosine equals torch's CosineAnnealingLR with T_max the steps after the warm-up; one_cycle equals OneCycleLR stepped
    every batch, without its cycling of the momentum. `epoch_factors` has what plateau and piecewise take away.
    """
    if isinstance(schedule, OneCycle):
        return _one_cycle(schedule, step, total)
    # Linear warm-up that never is 0: a step at rate 0 would be wasted.
    warm = round(schedule.warmup * total)
    if step < warm:
        return (step + 1) / (warm + 1)
    match schedule:
        case Constant() | Plateau() | Piecewise():
            return 1.0
        case Step():
            return _step(schedule, step - warm, total - warm)
        case Cosine():
            return _cosine(1.0, schedule.final, (step - warm) / (total - warm))


def epoch_factors(schedule: ScheduleConfig, epochs: int, past: Callable[[str], Sequence[float]]) -> list[float]:
    """Return the share of `lr_factor`'s rate left to each epoch, in [0, 1].

    For epochs 1 to `epochs`.

    `past` returns the values of a metric in the epochs before the last of them, in order; plateau alone asks for it.
    """
    match schedule:
        case Plateau():
            return plateau_factors(schedule, past(schedule.metric)[: epochs - 1])
        case Piecewise(factors=factors):
            # beyond the factors' end: the last one stays
            return [*factors[:epochs], *[factors[-1]] * (epochs - len(factors))]
        case _:
            return [1.0] * epochs


def plateau_factors(schedule: Plateau, past: Sequence[float]) -> list[float]:
    """Return the share of the learning rate left to each epoch.

    The epochs are those where the metric had the values `past` [n], and the next one: [n + 1]. Equals torch's
    ReduceLROnPlateau with threshold_mode "abs" and a patience one less (torch counts the epochs that are let pass
    before the one that lowers the rate).
    """
    best: float | None = None
    factors, waited = [1.0], 0
    for value in past:
        if improves(schedule.metric, value, best, schedule.min_delta):
            best, waited = value, 0
        else:
            waited += 1
        lowered = waited >= schedule.patience
        factors.append(max(factors[-1] * schedule.gamma, schedule.final) if lowered else factors[-1])
        waited = 0 if lowered else waited
    return factors


def _step(schedule: Step, step: int, total: int) -> float:
    """Return the factor of a step schedule: `drops` equal falls.

    They cut the steps into drops + 1 equal parts.
    """
    falls = step * (schedule.drops + 1) // total
    return float(schedule.gamma**falls)


def _one_cycle(schedule: OneCycle, step: int, total: int) -> float:
    top = max(schedule.warmup * total - 1, 0.0)  # the step at the peak; may lie between two steps, as in torch
    if step < top:
        return _cosine(schedule.start, 1.0, step / top)
    if total - 1 <= top:  # too short for a way down
        return 1.0
    return _cosine(1.0, schedule.final, (step - top) / (total - 1 - top))


def _cosine(first: float, last: float, progress: float) -> float:
    """Return the value between `first` and `last` along half a cosine.

    `progress` is in [0, 1].
    """
    return last + (first - last) * (1 + math.cos(math.pi * progress)) / 2
