"""Whether weight decay shrinks weights faster than gradients build them."""

from ...setting import Setting
from ..finding import Cause, Checked, problem
from ..registry import register_check
from ..subject import Subject

_LEFT = 0.7  # of the norm of all weights after a few steps; usual decays take below 1 % (rate x decay x steps)


@register_check("weight_decay", "Weight decay")
def check(subject: Subject) -> Checked:
    """Check the norm of the weights after a few steps of training."""
    watched, decay = subject.watched, subject.config.optimizer.weight_decay
    summary = f"After {len(watched.losses)} steps the weights have {watched.shrinkage:.0%} of their norm."
    numbers = {"left": watched.shrinkage, "weight_decay": decay}
    if not watched.finite or watched.shrinkage >= _LEFT or decay == 0:
        return Checked(summary, (), numbers)
    steps, left = len(watched.losses), f"{watched.shrinkage:.0%}"
    text = f"the weights shrink to {left} within {steps} steps: decay is stronger than learning"
    weaker = float(f"{min(decay / 100, 0.05):.2g}")
    setting = Setting("optimizer.weight_decay", weaker, low=weaker / 100, high=weaker)
    advice = f"take less of it than {decay:g}"
    return Checked(summary, [problem(Cause.DECAY, text, advice, setting)], numbers)
