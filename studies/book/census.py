"""The trials of a study as they stand, kept up without reading again what cannot have changed."""

from collections.abc import Iterable, Sequence
from functools import partial

from optuna.trial import FrozenTrial, TrialState

from .. import attributes
from ..lineage import extended_trial
from ..store.pipeline import Answer
from ..store.study_reader import StudyReader
from .feed import Feed
from .owner import is_foreign
from .terms import Row


class Census:
    """The trials of a study by state, as of the last `read`; `feed` is told of all that has changed.

    Attributes: `finished` is the number of trials that have ended; `paused` has the ids of the trials at a rung, by
    number; `complete` the numbers of those that have become complete, until somebody takes them. `running` are the ids
    of the trials that are neither paused nor ended, `extensions` the numbers of those that extend others.
    """

    def __init__(self, feed: Feed) -> None:
        self.finished = 0
        self.paused: dict[int, int] = {}
        self.complete: list[int] = []
        self.running: set[int] = set()
        self.extensions: set[int] = set()
        self._feed = feed
        self._last_id = 0
        self._numbers: dict[int, int] = {}  # by id, of all that have not ended
        # by id, what is read again each time: what waits, and what runs without a configuration of ours
        self._open: dict[int, FrozenTrial | None] = {}
        self._last_row = 0

    def read(self, rows: StudyReader) -> Answer["Census"]:
        """Ask for what is new; the answer is the census brought up to date."""
        last_row = rows.last_attribute()  # asked first: what is written meanwhile is read the next time
        settled = self.running - self._open.keys()
        changed_since = partial(rows.changed_trials, self._last_id, self._open, settled, attributes.PAUSED)

        def update(changed: Sequence[FrozenTrial]) -> "Census":
            if last_row() < self._last_row:
                changed = changed_since(0)()
            return self._update(changed, last_row())

        return changed_since(self._last_row).then(update)

    def look_again(self, number: int) -> None:
        """Have a trial read again that is paused, as far as is known, and was told by somebody else."""
        if (trial_id := self.paused.pop(number, None)) is not None:
            self.running.add(trial_id)
            self._open[trial_id] = None

    @property
    def size(self) -> int:
        """The number of trials; that of the next one, as they are numbered from 0."""
        return self.finished + len(self._numbers)

    @property
    def waiting(self) -> Sequence[FrozenTrial]:
        """The trials that wait, the oldest first."""
        waiting = [each for each in self._open.values() if each is not None and each.state is TrialState.WAITING]
        return sorted(waiting, key=lambda trial: trial._trial_id)

    @property
    def foreign(self) -> Sequence[FrozenTrial]:
        """The trials that another program runs."""
        return [
            each
            for each in self._open.values()
            if each is not None
            and each.state is TrialState.RUNNING
            and is_foreign(each.user_attrs, bool(each.params or each.intermediate_values))
        ]

    def judged(self, rows: Iterable[Row]) -> list[Row]:
        """The epochs by which trials are compared: an extension has a budget and a schedule of its own."""
        return [row for row in rows if row.number not in self.extensions]

    def _update(self, trials: Sequence[FrozenTrial], last_row: int) -> "Census":
        # one that ended at a rung is read once more, for the attribute that was taken from it
        changed = [each for each in trials if each._trial_id > self._last_id or each._trial_id in self._numbers]
        for trial in changed:
            trial_id = trial._trial_id
            self._last_id = max(self._last_id, trial_id)
            self._forget(trial)
            if extended_trial(trial.user_attrs.get(attributes.ORIGIN)) is not None:
                self.extensions.add(trial.number)
            if trial.state.is_finished():
                self.finished += 1
                if trial.state is TrialState.COMPLETE and trial.number not in self.extensions:
                    self.complete.append(trial.number)
                continue
            self._numbers[trial_id] = trial.number
            if trial.state is TrialState.WAITING:
                self._open[trial_id] = trial
            elif trial.user_attrs.get(attributes.PAUSED):
                self.paused[trial.number] = trial_id
            else:
                self.running.add(trial_id)
                if attributes.CONFIG not in trial.user_attrs:
                    self._open[trial_id] = trial
        self._last_row = last_row
        self._feed.take(changed)
        return self

    def _forget(self, trial: FrozenTrial) -> None:
        self._numbers.pop(trial._trial_id, None)
        self._open.pop(trial._trial_id, None)
        self.running.discard(trial._trial_id)
        self.paused.pop(trial.number, None)
