"""Values that somebody enqueued for a trial (`study.enqueue_trial`), checked against the space before any is drawn.

Optuna takes anything: a value outside its range is trained with a warning, one that is no choice raises, and one under
an unknown name or in a branch that is not taken is dropped. Here everything that was enqueued is
used, or the trial is refused in a line.
"""

from collections.abc import Mapping
from typing import Any

from ...errors import SpaceError, nearest
from ...spaces.describe import values_of
from ...spaces.node import shown
from ...spaces.space import SearchSpace


def with_branches(enqueued: Mapping[str, Any], space: SearchSpace) -> dict[str, Any]:
    """`enqueued`, values by dotted key, with the branches in which its dimensions stand.

    Raises:
        SpaceError: a key is no dimension of `space`, a value is none of its own, or it stands in another branch.
    """
    whole = dict(enqueued)
    for key, value in enqueued.items():
        parameter = space.by_key.get(key)
        if parameter is None:
            known = f"; {nearest(key, space.by_key)}" if space.by_key else ""
            raise SpaceError(f"{key}: enqueued, but not a dimension of the space{known}")
        if not parameter.contains(value):
            raise SpaceError(
                f"{key}: an enqueued value must be one of the space's ({values_of(parameter)}), got {shown(value)}"
            )
        for choice, branch in parameter.condition:
            if (taken := whole.setdefault(choice, branch)) != branch:
                raise SpaceError(f"{key}: enqueued, but it exists only where {choice} is {branch}, got {shown(taken)}")
    return whole
