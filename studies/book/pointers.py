"""The pointers of trials to their newest checkpoints among the shared files."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .. import attributes
from .holdings import FINISHED, Holdings


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where a trial points to, as a JSON value, None for nowhere; `generation` is that of its last claim."""

    generation: int
    value: Any


class Pointers:
    """Reads and moves the pointers of the trials of `holdings`' study; what was read before is not read again."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._values: dict[int, Any] = {}  # by number, those that lead somewhere
        self._ids: dict[int, int] = {}
        self._last_row = 0

    def read(self, *, finished: bool = False) -> dict[int, Pointer]:
        """The pointers that lead somewhere, by number; with `finished` only those of trials that do not go on."""
        with self._holdings.transaction() as rows:
            last_row = rows.last_attribute()
            written = rows.attribute_since(attributes.CHECKPOINT, self._last_row)()
            if last_row() < self._last_row:
                written = rows.attribute_since(attributes.CHECKPOINT, 0)()
            self._ids |= {number: trial_id for number, (trial_id, _) in written.items()}
            values = self._values | {number: value for number, (_, value) in written.items()}
            self._values, self._last_row = {number: value for number, value in values.items() if value}, last_row()
            ids = {number: self._ids[number] for number in self._values}
            states, generations = rows.states(ids.values()), rows.attribute(attributes.GENERATION, ids.values())
            return {
                number: Pointer(generations().get(trial_id, 0), self._values[number])
                for number, trial_id in ids.items()
                if not finished or states()[trial_id] in FINISHED
            }

    def move(self, pointers: Mapping[int, Pointer]) -> Collection[int]:
        """Move pointers, by number, of the trials that nobody has claimed since; return their numbers.

        A trial that has ended or was put back keeps its generation: whoever had it last may still move its pointer,
        until the next claim.
        """
        with self._holdings.transaction() as rows:
            if unknown := pointers.keys() - self._ids.keys():  # once for a trial: its number is in no index
                self._ids |= rows.ids_of(unknown)()
            ids = {number: self._ids[number] for number in pointers.keys() & self._ids.keys()}
            generations = rows.attribute(attributes.GENERATION, ids.values())()
            moved = [n for n, trial_id in ids.items() if generations.get(trial_id) == pointers[n].generation]
            for number in moved:
                rows.set_attributes(ids[number], {attributes.CHECKPOINT: pointers[number].value})
        return moved
