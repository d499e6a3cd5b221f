"""Every check by name, in the order in which they are made."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...common.registry import Registry

if TYPE_CHECKING:
    from .finding import Checked
    from .subject import Subject

Run = Callable[["Subject"], "Checked"]

# what the others rest on comes first: data, then the untrained model, then what a few steps do to it
_ORDER = (
    "inputs",
    "labels",
    "label_signal",
    "output",
    "initial_loss",
    "overfit_batch",
    "lr_range",
    "gradients",
    "activations",
    "updates",
    "weight_decay",
)


@dataclass(frozen=True, slots=True)
class Check:
    """A check of `hpo diagnose`.

    Its title, what it does, and whether it rests on a model that answers rightly (see `output`).
    """

    title: str
    run: Run
    needs_model: bool = True


CHECKS: Registry[Check] = Registry(
    "check", at="--check", modules={name: f"{__package__}.checks.{name}" for name in _ORDER}
)


def register_check(name: str, title: str, *, needs_model: bool = True) -> Callable[[Run], Run]:
    """Make the decorated function the check `name`.

    A new one has its place in the order above.

    Raises:
        SpaceError: the name is taken.
    """

    def register(run: Run) -> Run:
        CHECKS.add(name, Check(title, run, needs_model))
        return run

    return register


def choose_checks(names: Iterable[str]) -> tuple[str, ...]:
    """Return the named checks in the registry's order; all for no name.

    Raises:
        SpaceError: there is no check of that name.
    """
    wanted = set(names)
    for name in sorted(wanted):
        CHECKS.check(name)
    return tuple(name for name in CHECKS if not wanted or name in wanted)
