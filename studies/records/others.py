"""What a trial is worth to further objectives, by epoch, as its attribute keeps it.

Costs of a model are the same in every epoch, so that an epoch stands there only where it differs from the one before.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial

from .. import attributes

Kept = Mapping[str, Sequence[float]]
"""Values by epoch; the keys of a JSON object are texts."""


def others_at(kept: Any, epoch: int) -> tuple[float, ...]:
    """The values at the end of `epoch`; () where they are not known, as those of another program."""
    if not isinstance(kept, Mapping):
        return ()
    epochs = [int(each) for each in kept if each.isdecimal() and int(each) <= epoch]
    values = kept[str(max(epochs))] if epochs else ()
    is_known = isinstance(values, Sequence) and all(isinstance(value, int | float) for value in values)
    return tuple(map(float, values)) if is_known else ()


def others_of(trial: FrozenTrial, epoch: int) -> tuple[float, ...]:
    """The values of a trial at the end of `epoch`."""
    return others_at(trial.user_attrs.get(attributes.OTHERS), epoch)


def with_epochs(kept: Kept, values: Iterable[tuple[int, Sequence[float]]]) -> Kept:
    """Add `values` by epoch, in ascending order, each later than those that are kept."""
    extended = dict(kept)
    for epoch, each in values:
        if others_at(extended, epoch) != tuple(each):
            extended[str(epoch)] = list(each)
    return extended
