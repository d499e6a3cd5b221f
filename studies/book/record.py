"""The record of a study: its epochs in the order of writing, each given out once."""

from collections.abc import Iterable, Sequence

from ..store.pipeline import Answer
from ..store.study_reader import EpochRow, StudyReader
from .terms import Row


class Record:
    """Reads what is new in the record.

    A transaction that fails is repeated: what it was given is not given again, and it has to keep what it made of it.
    """

    def __init__(self) -> None:
        self._last_row = 0
        self._read: Sequence[EpochRow] = ()  # in a transaction that has not ended yet
        self._given: set[tuple[int, int]] = set()  # after the last row

    def news(self, rows: StudyReader) -> Answer[list[Row]]:
        """Ask for the epochs of the whole study that were not given out before."""
        return rows.epochs_after(self._last_row).then(self._give_read)

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

    def _give_read(self, new: Sequence[EpochRow]) -> list[Row]:
        self._read = new
        return self.give(Row(row.number, row.epoch, row.value) for row in new)
