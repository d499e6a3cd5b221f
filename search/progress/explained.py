"""What explains failures, as a person reads it."""

from ...studies.records.explain import Explanation
from .format import short


def explained(explanation: Explanation) -> str:
    """An explanation in words: `where optimizer.lr >= 0.31: 5 of 6 trials, elsewhere 0 of 14`."""
    there = f"{explanation.key} {explanation.sign} {short(explanation.value)}"
    inside, outside = f"{explanation.failed} of {explanation.count}", f"{explanation.failed_elsewhere} of"
    return f"where {there}: {inside} trials, elsewhere {outside} {explanation.elsewhere}"
