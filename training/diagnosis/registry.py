"""Every check by name, in the order in which they are made."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from ...errors import SpaceError, nearest
from .checks import (
    activations,
    gradients,
    initial_loss,
    inputs,
    label_signal,
    labels,
    lr_range,
    output,
    overfit_batch,
    updates,
    weight_decay,
)
from .finding import Checked
from .subject import Subject


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its title, what it does, and whether it rests on a model that answers rightly (see `output`)."""

    title: str
    run: Callable[[Subject], Checked]
    needs_model: bool = True


CHECKS: Final[dict[str, Check]] = {
    "inputs": Check("Inputs", inputs.check, needs_model=False),
    "labels": Check("Labels", labels.check, needs_model=False),
    "label_signal": Check("Do labels and images belong together?", label_signal.check, needs_model=False),
    "output": Check("What the model answers", output.check, needs_model=False),
    "initial_loss": Check("Loss before any training", initial_loss.check),
    "overfit_batch": Check("One batch, learned by heart", overfit_batch.check),
    "lr_range": Check("Learning-rate range test", lr_range.check),
    "gradients": Check("Gradient flow", gradients.check),
    "activations": Check("Activations", activations.check),
    "updates": Check("Updates", updates.check),
    "weight_decay": Check("Weight decay", weight_decay.check),
}


def choose_checks(names: Iterable[str]) -> tuple[str, ...]:
    """The checks of these names in the order of the registry; all where none is named.

    Raises:
        SpaceError: there is no check of that name.
    """
    wanted = set(names)
    for name in sorted(wanted - set(CHECKS)):
        raise SpaceError(f"--check: no check is called {name!r}; {nearest(name, CHECKS)}")
    return tuple(name for name in CHECKS if not wanted or name in wanted)
