"""Proposals of Optuna's samplers, from a bounded history in memory."""

import copy
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from ....spaces.parameter import Scalar
from ..base import Setting
from ..curves import Curves
from ..history import Finished, History
from .freeze import Freeze
from .own import own_params
from .suggest import suggest
from .untried import Untried

Params = dict[str, Scalar]


def proposer_of(make: Callable[[int, int], BaseSampler]) -> Callable[[Setting], "OptunaProposer"]:
    """Make proposers by Optuna's sampler that `make` gives for (seed of the study, number of the trial)."""

    def build(setting: Setting) -> OptunaProposer:
        return OptunaProposer(setting, partial(make, setting.seed))

    return build


class OptunaProposer:
    """Proposes configurations of `space`, by a sampler that is made for each trial from its number.

    It draws the same from the same history, whichever process asks. Of a finite space it proposes each configuration
    once.

    Args:
        setting: the study.
        sampler: makes the sampler of the trial of that number.
        history: what it keeps of finished trials; None: what suits TPE.
        freeze: how the sampler is shown them; None: as they ended.
    """

    def __init__(
        self,
        setting: Setting,
        sampler: Callable[[int], BaseSampler],
        history: History | None = None,
        freeze: Freeze | None = None,
    ) -> None:
        self._setting, self._space, self.sampler = setting, setting.space, sampler
        self._history = history or History(setting.direction, others=setting.others)
        self._freeze = freeze or Freeze(setting.space, objectives=len(setting.directions))
        self._untried = Untried(setting.space)
        self._curves: Curves | None = None
        self._reports = 0

    def tell(self, trial: Finished) -> None:
        """Learn of a trial that will not go on."""
        self._untried.tell(trial)
        if not trial.failed and own_params(self._space, trial.params) is not None:
            self._history.add(trial)
        else:
            self._history.remove(trial.number)  # as it stood at a rung

    def follow(self, curves: Curves) -> None:
        """Learn from trials that have not ended, too, by `curves`."""
        self._curves = curves

    def size(self) -> float:
        """Count the configurations of the space."""
        return self._untried.size

    def ask(self, number: int, fixed: Mapping[str, Any], running: Mapping[int, Mapping[str, Any]]) -> Params | None:
        """Propose a configuration for trial `number` that has the `fixed` values, those of its branches included.

        `running` are the parameters of the trials that run or wait at a rung, by number: TPE takes them for bad ones,
        so that no two workers get the same. None where each configuration was tried, or runs.
        """
        if self._curves is not None:
            self._learn(self._curves, running)
        study = self._study(number, running)
        draws = (self._draw(study, fixed) for _ in count())
        return self._untried.first(number, fixed, running, draws)

    def _draw(self, study: optuna.Study, fixed: Mapping[str, Any]) -> Params:
        trial = study.ask()
        trial._fixed_params = dict(fixed)  # Optuna has no public way to fix the values of a trial after `ask`
        params = suggest(trial, self._space)
        self._freeze.note(study._storage.get_trial(trial._trial_id))
        return params

    def _study(self, number: int, running: Mapping[int, Mapping[str, Any]]) -> optuna.Study:
        """The study as the sampler of trial `number` sees it."""
        unknown = sorted(running.keys() - self._history.numbers - {number})
        others = self._freeze.running({other: running[other] for other in unknown})
        past = [*self._freeze.past(self._history), *others]
        directions = self._setting.directions
        return optuna.create_study(storage=_Past(past, number), directions=directions, sampler=self.sampler(number))

    def _learn(self, curves: Curves, running: Mapping[int, Mapping[str, Any]]) -> None:
        """Learn of trials at whatever rung they stand: what came further is better, as TPE has it of pruned ones."""
        reports = curves.reported_since(self._reports)
        self._reports += len(reports)
        for number in set(reports) & running.keys():
            if own_params(self._space, running[number]) is not None:
                value, epoch = curves.value(number), curves[number].epoch
                others = curves.others(number)
                self._history.add(Finished(number, running[number], value, epoch, complete=False, others=others))


class _Past(InMemoryStorage):
    """A store in memory that begins with `trials`, and gives every trial that is made in it the number `number`."""

    def __init__(self, trials: Sequence[FrozenTrial], number: int) -> None:
        super().__init__()
        self._past, self._number = trials, number

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Make a trial."""
        trial_id = super().create_new_trial(study_id, template_trial)
        self.get_trial(trial_id).number = self._number
        return trial_id

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """The trials that were there, and those that were made."""
        past = [trial for trial in self._past if states is None or trial.state in states]
        return [*(copy.deepcopy(past) if deepcopy else past), *super().get_all_trials(study_id, deepcopy, states)]
