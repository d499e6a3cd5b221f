"""Whether a study has converged: whether as many trials as half of it had would still improve its best value.

Two estimates of the improvement by the second half of the trials, from their record alone:

- what it was: the best of all less the best of the first half;
- what it would be in another order: the expected best of all less the expected best of a random half, the expected
  validation performance of Dodge et al. 2019 (arXiv:1909.03004, section 3), without replacement as in Tang et al. 2020
  (arXiv:2004.04829, section 3). For trials that are drawn alike this curve is concave, so that the next half cannot
  be expected to bring more than the last did.

The first is for samplers that learn, which get better as they go; the second tells a best trial that was luck, and
would take long to be found again, from one among many as good.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import median

from ...common.interval import standard_error

LEAST_BEGUN = 40
"""Trials before the first look: the second twenty were proposed by a sampler that has begun to learn."""
LEAST_COMPLETE = 8
"""Complete trials before the first look: a random half has one of the best eight, but for once in 2^8."""
TOLERANCE = 0.02
"""The improvement that is not worth half as many trials again, as a share of what the search has gained: the way from
the median of the first ten complete trials to the best. Where the objective is a share of images, its standard error
where that is larger: nobody could measure less."""
DRAWN = 10
"""Complete trials that were drawn before a sampler had learnt; the median of all would follow the best one."""


def is_converged(scores: Mapping[int, float], begun: int, images: int | None = None) -> bool:
    """Whether improvement is no longer likely.

    Args:
        scores: of complete trials by number, from 0; higher is better.
        begun: how many trials have begun. Those that are not complete count as worse than any that is.
        images: how many the objective is a share of, None where it is no share.
    """
    finite = {number: score for number, score in scores.items() if math.isfinite(score)}
    if begun < LEAST_BEGUN or len(finite) < LEAST_COMPLETE:
        return False
    ranked = sorted(finite.values(), reverse=True)
    drawn = [finite[number] for number in sorted(finite)[:DRAWN]]
    tolerance = max(TOLERANCE * (ranked[0] - median(drawn)), standard_error(ranked[0], images) if images else 0.0)
    first_half = [score for number, score in finite.items() if number < begun // 2]
    was = ranked[0] - max(first_half, default=-math.inf)
    return was <= tolerance and ranked[0] - expected_best_of_half(ranked, begun) <= tolerance


def expected_best_of_half(ranked: Sequence[float], begun: int) -> float:
    """The expected best of a random half of `begun` trials.

    `ranked` are the scores of the complete ones, the best first; where the half has none of them, the last counts.
    """
    half, expected, left = begun // 2, 0.0, 1.0
    for rank, score in enumerate(ranked):
        # that the half has this trial, given that it has none of the better ones
        chance = min(1.0, half / (begun - rank))
        expected += left * chance * score
        left *= 1 - chance
    return expected + left * ranked[-1]
