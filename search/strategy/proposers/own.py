"""What of a trial's parameters is of the space."""

from collections.abc import Mapping
from typing import Any

from ....spaces.parameter import Scalar
from ....spaces.space import SearchSpace


def own_params(space: SearchSpace, params: Mapping[str, Any]) -> dict[str, Scalar] | None:
    """Those of `params` that are dimensions of the space; None where one has a value that the space has not."""
    # another program has added the trial, or the space was narrowed: it says nothing of what may be proposed
    own = {key: value for key, value in params.items() if key in space.by_key}
    return own if all(space.by_key[key].contains(value) for key, value in own.items()) else None
