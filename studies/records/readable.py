"""The calls of Optuna's storage that hpo reads with.

Names and errors are those of `optuna.storages.BaseStorage`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial


class Listed(Protocol):
    """A study in the list of all."""

    @property
    def study_name(self) -> str:
        """Its name."""
        ...

    @property
    def _study_id(self) -> int: ...


class Readable(Protocol):
    """A store of studies, to be read.

    Every call with an id or a name that is not there raises KeyError.
    """

    def get_all_studies(self) -> Sequence[Listed]:
        """Every study."""
        ...

    def get_study_id_from_name(self, study_name: str) -> int:
        """The id of a study."""
        ...

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """The direction of each objective."""
        ...

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """The user attributes of a study."""
        ...

    def get_n_trials(self, study_id: int) -> int:
        """The number of trials of a study."""
        ...

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        """The id of a trial."""
        ...

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """A trial."""
        ...

    def get_all_trials(self, study_id: int, deepcopy: bool = True) -> list[FrozenTrial]:
        """The trials of a study, in the order of their making."""
        ...
