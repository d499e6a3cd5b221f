"""The states of a study's trials, kept up without reading those that have finished again."""

from collections.abc import Sequence

from optuna.trial import TrialState

from ..store.rows import Transaction


class Census:
    """How many trials have finished, and the ids of the others by state, as of the last `read`.

    `last_id` is that of the newest trial, 0 for none.
    """

    def __init__(self) -> None:
        self.finished = 0
        self.last_id = 0
        self._unfinished: dict[int, TrialState] = {}

    def read(self, rows: Transaction) -> "Census":
        """Bring it up to date."""
        states = rows.states_since(self.last_id, self._unfinished)
        self._unfinished = {trial_id: state for trial_id, state in states.items() if not state.is_finished()}
        self.finished += len(states) - len(self._unfinished)
        self.last_id = max([self.last_id, *states])
        return self

    @property
    def size(self) -> int:
        """The number of trials; that of the next one, as they are numbered from 0."""
        return self.finished + len(self._unfinished)

    def ids(self, state: TrialState) -> Sequence[int]:
        """The ids of the trials in `state`, the oldest first."""
        return [trial_id for trial_id, each in self._unfinished.items() if each is state]
