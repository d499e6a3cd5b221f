"""The states of a study's trials, kept up without reading those that have finished or are paused again."""

from collections.abc import Sequence

from optuna.trial import TrialState

from .. import attributes
from ..store.rows import Transaction


class Census:
    """The trials of a study by state, as of the last `read`.

    Args and attributes: `finished` is their number, `last_id` the id of the newest trial, 0 for none; `paused` has the
    ids of the trials at a rung, by number; `complete` the numbers of those that have become complete, and `awake` the
    numbers, by id, of those that are to be read again, until somebody takes them.
    """

    def __init__(self) -> None:
        self.finished = 0
        self.last_id = 0
        self.paused: dict[int, int] = {}
        self.complete: list[int] = []
        self.awake: dict[int, int] = {}
        self._unfinished: dict[int, TrialState] = {}  # but for paused ones
        self._numbers: dict[int, int] = {}  # by id, of all unfinished ones
        self._last_row = 0

    def read(self, rows: Transaction) -> "Census":
        """Bring it up to date."""
        pauses, self._last_row = rows.attribute_since(attributes.PAUSED, self._last_row)
        for trial_id in pauses.keys() & self._numbers.keys():
            self.look_again(self._numbers[trial_id])
        for trial in rows.trials_since(self.last_id, self._unfinished):
            self.last_id = max(self.last_id, trial.trial_id)
            self._numbers[trial.trial_id] = trial.number
            if trial.state.is_finished():
                self._finish(trial.trial_id, trial.state)
            elif trial.state is TrialState.RUNNING and pauses.get(trial.trial_id):
                self._unfinished.pop(trial.trial_id, None)
                self.paused[trial.number] = trial.trial_id
            else:
                self._unfinished[trial.trial_id] = trial.state
        return self

    def look_again(self, number: int) -> None:
        """Have the state of a trial read again that is paused, as far as is known."""
        if (trial_id := self.paused.pop(number, None)) is not None:
            self._unfinished[trial_id] = TrialState.RUNNING
            self.awake[trial_id] = number

    @property
    def size(self) -> int:
        """The number of trials; that of the next one, as they are numbered from 0."""
        return self.finished + len(self._numbers)

    def ids(self, state: TrialState) -> Sequence[int]:
        """The ids of the trials in `state` that are not paused, the oldest first."""
        return sorted(trial_id for trial_id, each in self._unfinished.items() if each is state)

    def _finish(self, trial_id: int, state: TrialState) -> None:
        self._unfinished.pop(trial_id, None)
        number = self._numbers.pop(trial_id)
        self.finished += 1
        if state is TrialState.COMPLETE:
            self.complete.append(number)
