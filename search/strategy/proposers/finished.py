"""A finished trial of Optuna's, as proposers know it."""

import math

from optuna.trial import FrozenTrial, TrialState

from ....studies.records.others import others_of
from ..history import Finished


def finished(trial: FrozenTrial, *, outdated: bool = False) -> Finished:
    """What proposers learn from a trial that will not go on, whichever program has run it."""
    epoch, last = max(trial.intermediate_values.items(), default=(0, math.nan))
    complete = trial.state is TrialState.COMPLETE
    value, *others = trial.values if complete and trial.values else (last, *others_of(trial, epoch))
    return Finished(
        number=trial.number,
        params=trial.params,
        value=None if math.isnan(value) else value,
        epoch=epoch,
        complete=complete,
        violation=sum(excess for excess in trial.constraints.values() if excess > 0),
        failed=trial.state is TrialState.FAIL,
        outdated=outdated,
        others=tuple(others),
    )
