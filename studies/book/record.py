"""The record of a study: its epochs in the order of writing, each given out once."""

from ..store.pipeline import Answer
from ..store.study_reader import EpochRow, StudyReader
from .terms import Row


class Record:
    """Reads what is new in the record.

    A transaction that fails is repeated: what it was given is not given again, and it has to keep what it made of it.
    """

    def __init__(self) -> None:
        self._last_row = self._read_to = 0
        self._given: set[tuple[int, int]] = set()

    def news(self, rows: StudyReader) -> Answer[list[Row]]:
        """Ask for the epochs of the whole study that were not given out before."""
        return rows.epochs_after(self._last_row).then(self._give)

    def commit(self) -> None:
        """Note that the transaction of the last `news` has ended well."""
        self._last_row, self._given = self._read_to, set()

    def _give(self, new: list[EpochRow]) -> list[Row]:
        self._read_to = new[-1].row if new else self._last_row
        unseen = [row for row in new if (row.number, row.epoch) not in self._given]
        self._given.update((row.number, row.epoch) for row in unseen)
        return [Row(row.number, row.epoch, row.value) for row in unseen]
