"""The brake of a search in which trial after trial breaks.

Then the space, the model or the machine is at fault, not the trial.

A trial that breaks is on hold until more is known. Once another one ends well, it was the fault of the trial itself,
which has failed. Once too many have broken in a row, the search ends and all on hold wait for a run in which what broke
them is mended.
"""

from collections import Counter
from dataclasses import dataclass, field

from ...errors import TrainingError
from .losses import kind_of

AT_FIRST = 3
"""Trials that break in a row before any has ended well in this run: the search ends.

One or two may be odd configurations; a typing error in a model, a missing library or a full GPU breaks all, and each
further trial would cost its start-up for nothing.
"""
LATER = 6
"""Trials that break alike in a row after one has ended well: the search ends.

A space in which a third of the configurations cannot be trained goes on: six in a row come
by chance once in 3^6 = 729 times.
"""


class HopelessError(TrainingError):
    """The end of a search in which trial after trial broke."""

    exit_code = 1


@dataclass
class Brake:
    """The trials on hold, by number, each with its error.

    It must be told how every trial of this run ends.
    """

    on_hold: dict[int, str] = field(default_factory=dict)
    _row: list[str] = field(default_factory=list)
    _worked: bool = False

    def broke(self, number: int, error: str, before: str) -> None:
        """Put trial `number`, which broke with `error`, on hold.

        `before` is the error that it was once put back to waiting with, empty if never.
        """
        self.on_hold[number] = error
        # a trial that breaks again as before is no news: else such trials would end every later run at its beginning
        if not before or kind_of(before) != kind_of(error):
            self._row.append(kind_of(error))

    def worked(self) -> dict[int, str]:
        """Release the brake after a sound trial; return the failures on hold."""
        failed, self.on_hold, self._row, self._worked = self.on_hold, {}, [], True
        return failed

    @property
    def pulled(self) -> bool:
        """Whether so many broke that more would break as well."""
        if not self._worked:
            return len(self._row) >= AT_FIRST
        # alike: different errors in a row speak for a difficult space, one error for a broken machine
        return max(Counter(self._row).values(), default=0) >= LATER

    def settle(self) -> dict[int, str]:
        """Decide on the trials on hold at the end; return the failures.

        None has, where too many broke and none worked: they stay on hold.
        """
        return {} if len(self.on_hold) >= AT_FIRST and not self._worked else self.worked()

    @property
    def message(self) -> str:
        """The message of the end, with the newest error."""
        last = list(self.on_hold.values())[-1].splitlines()[0]
        return (
            f"{len(self.on_hold)} trials in a row broke, the last with: {last}\n"
            "  they wait, none has failed by it; when that is mended, the same command goes on"
        )
