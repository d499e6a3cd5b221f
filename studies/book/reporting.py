"""The epochs of trials: recorded, decided on, counted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import attributes
from .holdings import Holdings
from .record import Record
from .terms import Audited, Decided, Pause, Reports, Row, Stop

Decide = Callable[[Sequence[Row]], Mapping[int, Decided]]
"""Which trials stop or pause, given the next epochs of the study's record."""


class Reporting:
    """Writes the epochs of the trials in `holdings`, and reads those of the whole study from `record`.

    A call that fails may be repeated: whoever decides sees each row once.
    """

    def __init__(self, holdings: Holdings, record: Record) -> None:
        self._holdings, self._record = holdings, record
        self._decided: dict[int, Decided] = {}
        self._counted = 0, 0  # epochs, and the row of the last of them

    def report(self, epochs: Sequence[Row], decide: Decide) -> Reports:
        """Record epochs of our trials, and what is decided on them, see Book."""
        with self._holdings.transaction() as rows:
            numbers = {epoch.number for epoch in epochs if epoch.number in self._holdings.mine}
            written, kept = self._holdings.epochs(rows, numbers), self._holdings.others_kept(rows, numbers)
            news, fences = self._record.news(rows), self._holdings.fences(rows, numbers)()
            lost = {number: fence for number, fence in fences.items() if not fence.held}
            held = [epoch for epoch in epochs if epoch.number in numbers - lost.keys()]
            recorded = self._holdings.record(rows, held, written(), kept())
            # kept until the transaction has ended: were it repeated, whoever decides must not see a row twice
            epochs_since = [*news(), *self._record.give(recorded)]
            if any(row.number >= self._holdings.census.size for row in epochs_since):  # made since it was read
                self._holdings.census.read(rows)()
            self._decided.update(decide(self._holdings.census.judged(epochs_since)))
            # on what is reported just now: the record may hold epochs on which others have decided
            reported = {(epoch.number, epoch.epoch) for epoch in held}
            decided = {n: each for n, each in self._decided.items() if (n, each.epoch) in reported}
            for number, decision in decided.items():
                rows.set_attributes(self._holdings.mine[number].trial_id, _written(decision))
        self._record.commit()
        self._decided = {}
        for number in lost:
            del self._holdings.mine[number]
        return Reports(lost, decided, [(row.number, row.epoch) for row in recorded])

    def count(self) -> int:
        """How many epochs all trials of the study have recorded."""
        with self._holdings.look() as rows:
            new, last = rows.count_epochs_after(self._counted[1])()
        self._counted = self._counted[0] + new, last
        return self._counted[0]


def _written(decision: Decided) -> dict[str, Any]:
    """A decision as attributes of its trial."""
    match decision:
        case Stop(epoch):
            return {attributes.DECISION: {"stop": epoch}}
        case Pause(epoch, rung):
            return {attributes.DECISION: {"pause": epoch, "rung": rung}}
        case Audited(epoch, None):
            return {attributes.AUDIT: {"epoch": epoch}}
        case Audited(epoch, rung):
            return {attributes.AUDIT: {"epoch": epoch, "rung": rung}}
