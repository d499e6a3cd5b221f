"""The trials of a study as they stand, kept up without reading those that have finished or are paused again."""

from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

from .. import attributes
from ..store.pipeline import Answer
from ..store.study_reader import StudyReader
from .feed import Feed


class Census:
    """The trials of a study by state, as of the last `read`; `feed` is told of all that has changed.

    Attributes: `finished` is the number of trials that have ended; `paused` has the ids of the trials at a rung, by
    number; `complete` the numbers of those that have become complete, until somebody takes them.
    """

    def __init__(self, feed: Feed) -> None:
        self.finished = 0
        self.paused: dict[int, int] = {}
        self.complete: list[int] = []
        self._feed = feed
        self._last_id = 0
        self._unfinished: dict[int, FrozenTrial | None] = {}  # by id, but for paused ones
        self._numbers: dict[int, int] = {}  # by id, of all unfinished ones
        self._last_row = 0

    def read(self, rows: StudyReader) -> Answer["Census"]:
        """Ask for what is new; the answer is the census brought up to date."""
        last_row = rows.last_attribute()  # asked first: what is written meanwhile is read the next time
        trials = rows.changed_trials(self._last_id, self._unfinished, attributes.PAUSED, self._last_row)
        return trials.then(lambda changed: self._update(changed, last_row()))

    def look_again(self, number: int) -> None:
        """Have a trial read again that is paused, as far as is known, and was told by somebody else."""
        if (trial_id := self.paused.pop(number, None)) is not None:
            self._unfinished[trial_id] = None

    @property
    def size(self) -> int:
        """The number of trials; that of the next one, as they are numbered from 0."""
        return self.finished + len(self._numbers)

    def trials(self, state: TrialState) -> Sequence[FrozenTrial]:
        """The trials in `state` that are not paused, the oldest first."""
        unfinished = (trial for trial in self._unfinished.values() if trial is not None)
        return sorted((trial for trial in unfinished if trial.state is state), key=lambda trial: trial._trial_id)

    def _update(self, trials: Sequence[FrozenTrial], last_row: int) -> "Census":
        # one that ended at a rung is read once more, for the attribute that was taken from it
        changed = [each for each in trials if each._trial_id > self._last_id or each._trial_id in self._numbers]
        for trial in changed:
            self._last_id = max(self._last_id, trial._trial_id)
            self._unfinished.pop(trial._trial_id, None)
            self.paused.pop(trial.number, None)
            if trial.state.is_finished():
                self._numbers.pop(trial._trial_id, None)
                self.finished += 1
                if trial.state is TrialState.COMPLETE:
                    self.complete.append(trial.number)
                continue
            self._numbers[trial._trial_id] = trial.number
            if trial.state is TrialState.RUNNING and trial.user_attrs.get(attributes.PAUSED):
                self.paused[trial.number] = trial._trial_id
            else:
                self._unfinished[trial._trial_id] = trial
        self._last_row = last_row
        self._feed.take(changed)
        return self
