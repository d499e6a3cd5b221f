"""Where the best trials have a dimension, as a person reads it."""

from ...studies.records.effects import Effect
from ...studies.records.regions import Region
from .format import short


def best_have(effect: Effect) -> str:
    """Where the best are: `0.012 to 0.083`, or `sgd (9 of 10), adamw (1)`."""
    if effect.region is not None:
        return middle(effect.region)
    shares = sorted((share for share in effect.shares if share.best), key=lambda share: -share.best)
    first, *others = (f"{short(share.value)} ({share.best})" for share in shares)
    return ", ".join([f"{first[:-1]} of {effect.best})", *others])


def middle(region: Region) -> str:
    """The range in which eight in ten of the best lie: `0.012 to 0.083`, or `3` where they have one value."""
    low, high = short(region.low), short(region.high)
    return low if low == high else f"{low} to {high}"
