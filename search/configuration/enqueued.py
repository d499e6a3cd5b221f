"""The check of enqueued values (`study.enqueue_trial`) against the space.

Optuna takes anything: a value outside its range is trained with a warning, one that is no choice raises, and one under
an unknown name or in a branch that is not taken is dropped. Here everything that was enqueued is used, or the trial is
refused in a line.
"""

from collections.abc import Mapping
from typing import Any

from ...errors import SpaceError, nearest
from ...spaces.describe import values_of
from ...spaces.node import shown
from ...spaces.space import SearchSpace


def with_branches(enqueued: Mapping[str, Any], space: SearchSpace) -> dict[str, Any]:
    """Add to `enqueued` the branches in which its dimensions stand.

    Both are values by dotted key.

    Raises:
        SpaceError: a key is no dimension of `space`, a value is none of its own, it stands in another branch, or the
            values are a combination that is forbidden.
    """
    whole = dict(enqueued)
    for key, value in enqueued.items():
        parameter = space.by_key.get(key)
        if parameter is None:
            hint = f"; {nearest(key, space.by_key)}" if space.by_key else ""
            raise SpaceError(f"{key}: enqueued, but not a dimension of the space{hint}")
        if not parameter.contains(value):
            raise SpaceError(
                f"{key}: an enqueued value must be one of the space's ({values_of(parameter)}), got {shown(value)}"
            )
        # who enqueues `optimizer.adamw.lr` means AdamW: the choice follows, unless another one was enqueued beside it
        for choice, branch in parameter.condition:
            # Optuna would drop the value, and train another configuration than was asked for
            if (taken := whole.setdefault(choice, branch)) != branch:
                raise SpaceError(f"{key}: enqueued, but it exists only where {choice} is {branch}, got {shown(taken)}")
    if not space.allows(whole):
        raise SpaceError(f"{next(iter(enqueued))}: enqueued with values that the space forbids beside it")
    return whole
