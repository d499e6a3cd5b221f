"""`median`: the median stopping rule. Golovin et al. 2017, section 3.2.2.

It stops what is below the median of earlier trials at the same epoch.
"""

from .percentile import Percentile
from .registry import SCHEDULERS


@SCHEDULERS.register("median")
def median(epochs: int) -> Percentile:
    """Let the better half go on."""
    return Percentile(epochs, 50)
