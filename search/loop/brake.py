"""When a search stops because trial after trial breaks: the space, the model or the machine is at fault, not the trial.

A trial that breaks is on hold until more is known. Once another one ends well, it was the fault of the trial itself,
which has failed. Once too many have broken in a row, the search ends and all on hold wait for a run in which what broke
them is mended.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from ...errors import TrainingError

AT_FIRST = 3
"""So many in a row, where none has ended well in this run yet."""
LATER = 6
"""So many alike in a row, where one has: a space in which a third of the configurations cannot be trained goes on."""

_DIGITS = re.compile(r"0x[0-9a-f]+|\d+")


class HopelessError(TrainingError):
    """Trial after trial broke: more of them would break as well."""

    exit_code = 1


@dataclass
class Brake:
    """Trials on hold, by number, with the error that each broke with; told how every trial of this run ends."""

    on_hold: dict[int, str] = field(default_factory=dict)
    _row: list[str] = field(default_factory=list)
    _worked: bool = False

    def broke(self, number: int, error: str, before: str) -> None:
        """Trial `number` broke; `before` is the error that it was once put back to waiting with, empty if never.

        One that breaks again as it did before is no news: else such trials would end every later run at its beginning.
        """
        self.on_hold[number] = error
        if not before or _kind(before) != _kind(error):
            self._row.append(_kind(error))

    def worked(self) -> dict[int, str]:
        """A trial ended well; those that were on hold, which have failed by themselves."""
        failed, self.on_hold, self._row, self._worked = self.on_hold, {}, [], True
        return failed

    @property
    def pulled(self) -> bool:
        """Whether more trials would break as well."""
        if not self._worked:
            return len(self._row) >= AT_FIRST
        return max(Counter(self._row).values(), default=0) >= LATER

    def settle(self) -> dict[int, str]:
        """Nothing is left to run; those on hold that have failed: none where too many broke and none worked."""
        return {} if len(self.on_hold) >= AT_FIRST and not self._worked else self.worked()

    @property
    def words(self) -> str:
        """Why the search ends, with the newest error."""
        last = list(self.on_hold.values())[-1].splitlines()[0]
        return (
            f"{len(self.on_hold)} trials in a row broke, the last with: {last}\n"
            "  they wait, none has failed by it; when that is mended, the same command goes on"
        )


def _kind(error: str) -> str:
    """What errors alike have in common: all but numbers, as in the folder of a trial, and addresses."""
    return _DIGITS.sub("#", error)
