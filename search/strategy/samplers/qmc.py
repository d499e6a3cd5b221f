"""`qmc`: quasi-random points. Bergstra & Bengio 2012, section 4.2.

They fill a space more evenly than independent draws.
"""

import warnings

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import QMCSampler, RandomSampler

from ..proposers.optuna import proposer_of
from ..trial_seed import trial_seed
from .registry import SAMPLERS


class _Sobol(QMCSampler):
    """A scrambled Sobol sequence, of which trial n has point n.

    Its seed is the study's. Scrambled, since the first point of a plain one is a corner of the space, the same in every
    study.
    """

    def __init__(self, seed: int, number: int) -> None:
        super().__init__(
            seed=seed,
            scramble=True,
            independent_sampler=RandomSampler(seed=trial_seed(seed, number)),  # of the dimensions of a branch
            warn_independent_sampling=False,
        )
        self._number = number

    def _find_sample_id(self, study: Study, search_space: dict[str, BaseDistribution]) -> int:
        """Return the trial's own number.

        Optuna's own method counts points in the study and does not lock: two processes can get the same one.
        """
        return self._number


@SAMPLERS.register("qmc")
@proposer_of
def qmc(seed: int, number: int) -> QMCSampler:
    """Take the next point of a Sobol sequence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # QMCSampler is one
        return _Sobol(seed, number)
