"""The record of a study: its epochs in the order of writing, each given out once."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from .. import attributes
from ..records.others import Kept, others_at
from ..store.pipeline import Answer
from ..store.study_reader import EpochRow, StudyReader
from .terms import Row


class Record:
    """Reads what is new in the record.

    A transaction that fails is repeated: what it was given is not given again, and it has to keep what it made of it.
    With `several` objectives it reads what trials are worth to all of them.
    """

    def __init__(self, *, several: bool = False) -> None:
        self._several = several
        self._others: dict[int, Kept] = {}
        self._last_note = 0  # the row of the newest attribute that was read
        self._last_row = 0
        self._read: Sequence[EpochRow] = ()  # in a transaction that has not ended yet
        self._given: set[tuple[int, int]] = set()  # after the last row

    def news(self, rows: StudyReader) -> Answer[list[Row]]:
        """Ask for the epochs of the whole study that were not given out before."""
        others = self._read_others(rows) if self._several else None
        return rows.epochs_after(self._last_row).then(partial(self._give_read, others))

    def _read_others(self, rows: StudyReader) -> Answer[None]:
        """Ask for what trials have become worth to further objectives."""
        last = rows.last_attribute()  # asked first: what is written meanwhile is read the next time
        ask = partial(rows.attribute_since, attributes.OTHERS)

        def update(written: Mapping[int, tuple[int, Kept]]) -> None:
            if last() < self._last_note:  # rows of a study that was deleted are used again
                written = ask(0)()
            self._others |= {number: kept for number, (_, kept) in written.items()}
            self._last_note = last()

        return ask(self._last_note).then(update)

    def give(self, rows: Iterable[Row]) -> list[Row]:
        """Those that were not given out before, of rows that are written now, after all that the last `news` read."""
        unseen = [row for row in rows if (row.number, row.epoch) not in self._given]
        self._given.update((row.number, row.epoch) for row in unseen)
        return unseen

    def commit(self) -> None:
        """Note that the transaction of the last `news` has ended well."""
        if self._read:
            self._last_row = self._read[-1].row
            self._given.difference_update((row.number, row.epoch) for row in self._read)
            self._read = ()

    def _give_read(self, others: Answer[None] | None, new: Sequence[EpochRow]) -> list[Row]:
        self._read = new
        if others is not None:
            others()
        return self.give(Row(row.number, row.epoch, row.value, self._others_at(row)) for row in new)

    def _others_at(self, row: EpochRow) -> tuple[float, ...]:
        return others_at(self._others.get(row.number), row.epoch)
