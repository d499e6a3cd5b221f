"""Which trainings begin alike, whatever their length. No torch."""

from .config import TrialConfig
from .optim.config import Constant, Piecewise, Plateau, ScheduleConfig


def depends_on_length(schedule: ScheduleConfig) -> bool:
    """Whether the rates of the first epochs depend on how many there are: of a cosine, a cycle, steps, a warm-up."""
    return not isinstance(schedule, Constant | Plateau | Piecewise) or schedule.warmup > 0


def begins_as(config: TrialConfig, shorter: TrialConfig) -> bool:
    """Whether a training of `config` does in its first epochs what one of `shorter` does in all of its.

    So it does where they are the same, and where `config` has but more epochs of a schedule that does not depend on
    their number: then a checkpoint of the one is one of the other.
    """
    budget = shorter.budget.model_copy(update={"epochs": config.budget.epochs})
    if shorter.model_copy(update={"budget": budget}) != config or shorter.budget.epochs > config.budget.epochs:
        return False
    return shorter.budget.epochs == config.budget.epochs or not depends_on_length(config.schedule)
