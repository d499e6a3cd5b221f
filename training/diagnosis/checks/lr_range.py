"""Learning-rate range test: the rate grows at every step.

Of one short training; the loss shows which rates help.

Smith 2015 (arXiv:1506.01186), section 3.3; the rate grows by a factor rather than by a sum, so that five decades fit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median

from ....common.rounding import beside
from ...machine.seeding import seeded
from ...setting import Setting
from ..finding import Cause, Chart, Checked, Finding, note, problem, warning
from ..registry import register_check
from ..subject import Subject

# Steps over five decades: 28 per decade, so that a window of losses is still of nearly one rate.
STEPS = 140
# SGD's step grows with the gradient: its rates are ten times those of the others.
_RATES = {"sgd": (1e-4, 10.0)}
_OTHER_RATES = (1e-5, 1.0)  # of the optimisers whose steps do not grow with the gradient
_FEWEST_STEPS = STEPS // 2  # below which a loss that has not fallen says nothing
_BLOWN = 4.0  # times the first losses: the test has seen enough
_WINDOW = 4  # steps to each side that a loss is averaged with
_HELPS, _NEARLY, _SPOILS = 0.15, 0.1, 0.5  # of the whole fall: where it begins, where it ends, and where it is lost
_MATTERS = 0.02  # of the first loss: a smaller fall is noise
_NOISE = 5.0  # standard errors of a smoothed loss, which the lowest of many falls by without any cause
TOO_FAR = 10.0
"""Times outside the range, until which a rate is still a matter of taste."""


@dataclass(frozen=True, slots=True)
class RangeTest:
    """The rates tried, the loss at each, and the range that helps.

    `low` to `high` help, None where no rate does. From `blows_up` on the loss rises steeply, None where it never did.
    `unclear` says why no rates can be told, empty where they can.
    """

    rates: Sequence[float]
    losses: Sequence[float]
    low: float | None
    high: float | None
    blows_up: float | None
    unclear: str = ""


@register_check("lr_range", "Learning-rate range test")
def check(subject: Subject) -> Checked:
    """Check the range of learning rates in which the loss falls.

    For the training's optimiser, batch size and loss.
    """
    test = analyse(*_sweep(subject))
    lr = subject.config.optimizer.lr
    numbers = {"low": test.low, "high": test.high, "blows_up": test.blows_up, "lr": lr}
    curves = {"rates": list(test.rates), "losses": list(test.losses)}
    marks = {"optimizer.lr": lr, "low": test.low, "high": test.high}
    chart_marks = {name: value for name, value in marks.items() if value is not None}
    chart = Chart(
        "Loss while the rate grows", "learning rate", "loss", test.rates, {"loss": test.losses}, True, True, chart_marks
    )
    if test.unclear:
        advice = "take larger batches" if test.blows_up is None else "see initial_loss and gradients for what blows up"
        finding = note(f"not enough steps to tell which rates help: {test.unclear}", advice)
        return Checked("Not enough steps to tell.", [finding], {**numbers, **curves}, [chart])
    if test.low is None or test.high is None:
        text = "no learning rate lowers the loss"
        advice = "the cause is elsewhere: see output, gradients, activations and label_signal"
        return Checked("No rate helps.", [problem(Cause.NO_RATE, text, advice)], {**numbers, **curves}, [chart])
    summary = f"The loss falls from a rate of {test.low:.2g} and no further from {test.high:.2g} on."
    return Checked(summary, _findings(test, test.low, test.high, lr), {**numbers, **curves}, [chart])


def _sweep(subject: Subject) -> tuple[list[float], list[float]]:
    """Return the rates tried and the mean loss of each step."""
    learner, batches = subject.learner(), subject.batches()
    learner.model.train()
    rates, losses = [], []
    lowest, highest = _RATES.get(subject.config.optimizer.name, _OTHER_RATES)
    with seeded(subject.config.seed, 1, subject.device):
        for step in range(STEPS):
            rate = lowest * (highest / lowest) ** (step / (STEPS - 1))
            loss, _, _ = learner.step(*next(batches), rate)
            rates.append(rate)
            losses.append(loss.item())
            if _is_blown(losses):
                break
    return rates, losses


def _is_blown(losses: Sequence[float]) -> bool:
    """Whether the last losses are far above the first.

    By means, since a single loss of a small batch may be anything.
    """
    if not math.isfinite(losses[-1]):
        return True
    return len(losses) >= 2 * _WINDOW and mean(losses[-_WINDOW:]) > _BLOWN * mean(losses[:_WINDOW])


def analyse(rates: Sequence[float], losses: Sequence[float]) -> RangeTest:
    """Return what a sweep means.

    The last loss may be infinite or NaN.
    """
    finite = [loss for loss in losses if math.isfinite(loss)]
    smooth = _smoothed(finite)
    diverged = len(finite) < len(losses)
    if len(smooth) < 2 * _WINDOW:
        return RangeTest(rates, losses, None, None, rates[-1] if diverged else None, unclear=_cut(rates, losses))
    start = sum(smooth[: 2 * _WINDOW]) / (2 * _WINDOW)
    lowest = min(smooth)
    fall = start - lowest
    bottom = next(i for i, loss in enumerate(smooth) if loss <= lowest + _NEARLY * max(fall, 0.0))
    blown = next(
        (i for i in range(bottom, len(smooth)) if smooth[i] > lowest + max(_SPOILS * fall, 0.05 * start)), None
    )
    blows_up = rates[blown] if blown is not None else rates[-1] if diverged else None
    if fall < _MATTERS * start:
        short = len(losses) < _FEWEST_STEPS
        return RangeTest(rates, losses, None, None, blows_up, unclear=_cut(rates, losses) if short else "")
    # of a smoothed loss: cautiously, as if it were a mean of fewer than the 2 * _WINDOW + 1 losses that it is
    noise = _noise(finite) / math.sqrt(_WINDOW + 1)
    if fall < _NOISE * noise:
        return RangeTest(rates, losses, None, None, blows_up, unclear="the loss falls no further than it jumps")
    below = [loss < start - max(_HELPS * fall, noise) for loss in smooth[: bottom + 1]]
    first = next(i for i in range(bottom + 1) if all(below[i : i + 2 * _WINDOW + 1]))  # a shorter dip is noise
    return RangeTest(rates, losses, _rounded(rates[first]), _rounded(rates[bottom]), blows_up)


def _cut(rates: Sequence[float], losses: Sequence[float]) -> str:
    return f"the loss blows up after {len(losses)} of {STEPS}, at a rate of {rates[-1]:.2g}"


def _smoothed(losses: Sequence[float]) -> list[float]:
    """Average each loss with its neighbours.

    So the curve is not shifted as by a running mean.
    """
    around = [losses[max(0, i - _WINDOW) : i + _WINDOW + 1] for i in range(len(losses))]
    return [sum(part) / len(part) for part in around]


def _noise(losses: Sequence[float]) -> float:
    """Return the standard deviation of single losses around their trend.

    From the median step between neighbours.
    """
    steps = [abs(after - before) for before, after in pairwise(losses)]
    # 1.4826: a median deviation to a standard deviation; sqrt(2): a step is the difference of two losses
    return 1.4826 * median(steps) / math.sqrt(2)


def _rounded(value: float) -> float:
    return float(f"{value:.1e}")


def rate_setting(low: float, high: float) -> Setting:
    """Return the middle of the helping rates, all of them for searches."""
    middle = float(f"{math.sqrt(low * high):.2g}")
    return Setting("optimizer.lr", middle, low, high)


def _findings(test: RangeTest, low: float, high: float, lr: float) -> list[Finding]:
    advice = f"take a rate between {low:.2g} and {high:.2g}"
    above = f"optimizer.lr {lr:g} is {lr / high:.0f} times the highest rate that helps"
    setting = rate_setting(low, high)
    if test.blows_up is not None and lr > TOO_FAR * high and lr > test.blows_up:
        text = f"{above}; from {beside(test.blows_up, lr, '.2g')[0]} on the loss blows up"
        return [problem(Cause.RATE, text, advice, setting)]
    if lr > TOO_FAR * high:
        return [warning(Cause.RATE, above, advice, setting)]
    if lr < low / TOO_FAR:
        text = f"optimizer.lr {lr:g} is {low / lr:.0f} times smaller than the lowest rate that helps"
        return [problem(Cause.RATE, text, advice, setting)]
    return []
