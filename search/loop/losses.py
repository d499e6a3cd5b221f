"""Lost workers: whether the machine or the trial is to blame, and when either is given up."""

import re
from collections import Counter

from ...errors import TrainingError

MAX_LOST_WORKERS = 3
"""Workers that a trial may take down before it is given up: one or two may be the machine's fault, three speak against
the trial."""
MAX_MEMORY_KILLS = 2
"""SIGKILLs after which a trial is too large for the machine: the first may have met a neighbour that was large, too."""
MAX_SILENCES = 1
"""Times that a trial which hangs is taken for the machine's fault, of a disk or a driver that did not answer."""
ALIKE = 5
"""Workers that the machine loses alike, with no epoch reported in between: the search ends, and all wait.

Two slots that die together twice are four.
"""
MEND = "mend that, then run the same command again: what was running waits, and nothing has failed by it"

_DIGITS = re.compile(r"0x[0-9a-f]+|\d+")


class BlockedError(TrainingError):
    """The end of a search whose machine lets no trial go on."""

    exit_code = 1


class MachineLosses:
    """The workers in a row that were lost by the machine's fault."""

    def __init__(self) -> None:
        self._row: Counter[str] = Counter()

    def reported(self) -> None:
        """An epoch was reported: the machine works."""
        self._row.clear()

    def lost(self, reason: str) -> None:
        """Count a worker that was lost.

        Raises:
            BlockedError: it is one too many.
        """
        kind = kind_of(reason)
        self._row[kind] += 1
        if self._row[kind] >= ALIKE:
            raise BlockedError(f"{ALIKE} workers in a row were lost before an epoch, the last: {reason}\n  {MEND}")


def kind_of(error: str) -> str:
    """The error without numbers and addresses, the same for errors alike."""
    # the folder of a trial, a byte count or an object's address differ from trial to trial
    return _DIGITS.sub("#", error)
