"""The lineage of a trial: which one of its study it extends."""

from typing import Any


def extended_trial(origin: Any) -> int | None:
    """The number of the trial that one of this `origin` trains for longer; None for any other origin."""
    match origin:
        case {"extends": {"trial": int(number)}}:
            return number
        case _:
            return None
