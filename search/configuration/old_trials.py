"""Which trials of a study are still of its space, after that was changed."""

from collections.abc import Iterable, Mapping
from typing import Any

from ...spaces.describe import values_of
from ...spaces.space import SearchSpace

NAMED = 5
"""How many trials are named for each dimension, so that all stays a line of a terminal."""


def old_trials_note(space: SearchSpace, trials: Mapping[int, Mapping[str, Any]]) -> str:
    """Say how many of `trials`, parameters by number, samplers can learn from, and why not from the others.

    They can where each value is one of the space's. A trial may lack a dimension that is new, and have one that is no
    longer there. Empty where all are of the space.
    """
    outside: dict[str, list[int]] = {}
    for number, params in trials.items():
        for key, value in params.items():
            if key in space.by_key and not space.by_key[key].contains(value):
                outside.setdefault(key, []).append(number)
    if not outside:
        return ""
    unfit = {number for numbers in outside.values() for number in numbers}
    reasons = (
        f"{key} is not of {values_of(space.by_key[key])} in {_named(numbers)}" for key, numbers in outside.items()
    )
    kept = f"{len(trials) - len(unfit)} of {len(trials)} trials are of the changed space, and samplers learn from these"
    return f"{kept}; all are kept: {'; '.join(reasons)}"


def _named(numbers: Iterable[int]) -> str:
    """Some trials by their numbers."""
    listed = sorted(numbers)
    more = f" and {len(listed) - NAMED} more" if len(listed) > NAMED else ""
    return f"trial{'s' if len(listed) > 1 else ''} {', '.join(map(str, listed[:NAMED]))}{more}"
