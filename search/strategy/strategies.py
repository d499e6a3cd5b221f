"""Samplers and pruners by name.

A sampler is built anew for every trial from the study's seed and the trial's own number, never from how many trials
there are: whatever was enqueued, added, paused or taken over, no two trials of a study draw from one seed.
"""

import warnings
from collections.abc import Callable

from optuna import Study, pruners, samplers
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning

from ...errors import SpaceError, nearest

Sampler = samplers.BaseSampler
Pruner = pruners.BasePruner
SEED_STRIDE = 1_000_003  # a prime, so that neighbouring study seeds do not share trials' seeds


def _tpe(seed: int, number: int) -> Sampler:
    """Tree-structured Parzen estimator (Watanabe 2023, arXiv:2304.11127); `group` puts branches in joint spaces.

    Optuna's own number of trials that are drawn at random first (10) and of candidates for each proposal (24).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # `group`: without it, branches are sampled independently
        return samplers.TPESampler(seed=_mix(seed, number), multivariate=True, group=True)


def _random(seed: int, number: int) -> Sampler:
    """Independent draws."""
    return samplers.RandomSampler(seed=_mix(seed, number))


class _Sobol(samplers.QMCSampler):
    """A scrambled Sobol sequence, of which trial n has point n; its seed is the study's."""

    def __init__(self, seed: int, number: int) -> None:
        super().__init__(
            seed=seed, scramble=True, independent_sampler=_random(seed, number), warn_independent_sampling=False
        )
        self._number = number

    def _find_sample_id(self, study: Study, search_space: dict[str, BaseDistribution]) -> int:
        """note: Optuna's own counts points in the study and does not lock: two processes can get the same one."""
        return self._number


def _qmc(seed: int, number: int) -> Sampler:
    """Quasi-random points, which fill a space more evenly than independent draws."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return _Sobol(seed, number)


def _none(epochs: int) -> Pruner:
    """Every trial runs to its end."""
    return pruners.NopPruner()


def _median(epochs: int) -> Pruner:
    """Stop what is below the median of earlier trials at the same epoch (Golovin et al. 2017, section 3.2.2)."""
    # Optuna's 5 trials and no waiting stop slow starters. On recorded curves (docs/strategies.md) these numbers train
    # 43 % of the epochs and keep the best of 50 trials 97 times of 100; without waiting it is 26 % and 83 times, with
    # 10 trials to compare with 56 % and 98 times, from a third of the epochs on 56 % and 99 times.
    return pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=max(1, epochs // 6))


def _asha(epochs: int) -> Pruner:
    """Asynchronous successive halving (Li et al. 2018, arXiv:1810.05934): the best third goes on at each rung."""
    # A third: Hyperband's authors recommend 3 or 4 (arXiv:1603.06560, section 3.6); Optuna takes 4. A ninth leaves room
    # for two cuts: on recorded curves (docs/strategies.md) it keeps the best of 50 trials 91 times of 100 at 26 % of
    # the epochs, a first cut at the first epoch 73 times at 12 %.
    return pruners.SuccessiveHalvingPruner(min_resource=max(1, epochs // 9), reduction_factor=3)


def _hyperband(epochs: int) -> Pruner:
    """Several successive halvings of different patience (Li et al. 2016, arXiv:1603.06560)."""
    # The paper's and Optuna's own, but for the epochs: else nothing is stopped before a first trial is complete.
    return pruners.HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=3)


SAMPLERS: dict[str, Callable[[int, int], Sampler]] = {"tpe": _tpe, "random": _random, "qmc": _qmc}
PRUNERS: dict[str, Callable[[int], Pruner]] = {
    "median": _median,
    "asha": _asha,
    "hyperband": _hyperband,
    "none": _none,
}


def build_sampler(name: str, seed: int, number: int) -> Sampler:
    """The sampler `name` for trial `number` (from 0) of a study seeded with `seed`.

    Raises:
        SpaceError: there is no such sampler.
    """
    if name not in SAMPLERS:
        raise SpaceError(f"--sampler: unknown sampler {name!r}; {nearest(name, SAMPLERS)}")
    return SAMPLERS[name](seed, number)


def build_pruner(name: str, epochs: int) -> Pruner:
    """The pruner `name` for trials of at most `epochs` epochs.

    Raises:
        SpaceError: there is no such pruner.
    """
    if name not in PRUNERS:
        raise SpaceError(f"--pruner: unknown pruner {name!r}; {nearest(name, PRUNERS)}")
    return PRUNERS[name](epochs)


def _mix(seed: int, number: int) -> int:
    return (seed * SEED_STRIDE + number) % 2**32
