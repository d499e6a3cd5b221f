"""Whether weight decay eats the weights faster than gradients can write them."""

from ..finding import Checked, problem
from ..subject import Subject

_LEFT = 0.7  # of the norm of all weights after a few steps


def check(subject: Subject) -> Checked:
    """What is left of the weights after a few steps of training."""
    watched, decay = subject.watched, subject.config.optimizer.weight_decay
    summary = f"After {len(watched.losses)} steps the weights have {watched.shrinkage:.0%} of their norm."
    numbers = {"left": watched.shrinkage, "weight_decay": decay}
    if not watched.finite or watched.shrinkage >= _LEFT or decay == 0:
        return Checked(summary, (), numbers)
    steps, left = len(watched.losses), f"{watched.shrinkage:.0%}"
    text = f"the weights shrink to {left} within {steps} steps: decay is stronger than learning"
    advice = f"lower optimizer.weight_decay {decay:g}, for example to {min(decay / 100, 0.05):.2g}, or optimizer.lr"
    return Checked(summary, [problem(text, advice)], numbers)
