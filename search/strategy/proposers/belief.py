"""What the `prior` and `confidence` of a dimension say about where to look, in [0, 1].

Mallik et al. 2023, PriorBand, arXiv:2306.12370, has normal distributions about the priors, too.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ....spaces.parameter import Choice, Parameter
from ....spaces.unit import to_unit

Places = NDArray[np.float64]

SPREAD = {"low": 0.3, "medium": 0.15, "high": 0.07}
"""The standard deviation of a number about its prior, of the range: at `low`, most of it; at `high`, a seventh."""

HOLD = {"low": 0.3, "medium": 0.6, "high": 0.85}
"""How often a choice is its prior; else it is any, the prior among them."""

USUAL = "medium"  # of a prior without a word on it

ASTRAY = 0.1
"""How often a number is anywhere in its range all the same: one prior that is wrong must not spoil the others."""


@dataclass(frozen=True, slots=True)
class Near:
    """A number about `mean`, normally distributed and cut at the ends of the range, or ASTRAY."""

    mean: float
    spread: float

    def draw(self, random: np.random.Generator, count: int) -> Places:
        """Draw `count` places."""
        (low, high), about = self._ends(), NormalDist(self.mean, self.spread)
        inside = 1e-12  # the inverse has no value at 0 and 1
        shares = np.clip(low + (high - low) * random.random(count), inside, 1 - inside)
        near = np.clip([about.inv_cdf(share) for share in shares.tolist()], 0.0, 1.0)
        return np.where(random.random(count) < ASTRAY, random.random(count), near)

    def log_odds(self, places: Places) -> Places:
        """How much likelier places are here than anywhere."""
        low, high = self._ends()
        height = np.log((high - low) * self.spread * np.sqrt(2 * np.pi))
        near = -0.5 * ((places - self.mean) / self.spread) ** 2 - height
        odds: Places = np.logaddexp(np.log(ASTRAY), np.log(1 - ASTRAY) + near)
        return odds

    def _ends(self) -> tuple[float, float]:
        about = NormalDist(self.mean, self.spread)
        return about.cdf(0.0), about.cdf(1.0)


@dataclass(frozen=True, slots=True)
class Mostly:
    """A choice that is at `mode` with the probability `hold`, and else is any of `count` choices."""

    mode: float
    hold: float
    count: int

    def draw(self, random: np.random.Generator, count: int) -> Places:
        """Draw `count` places."""
        return np.where(random.random(count) < self.hold, self.mode, random.random(count))

    def log_odds(self, places: Places) -> Places:
        """How much likelier places are here than anywhere."""
        here = places == self.mode
        return np.log(np.where(here, 1 + self.hold * (self.count - 1), 1 - self.hold))


Belief = Near | Mostly


def belief_in(parameter: Parameter) -> Belief | None:
    """Where the prior of a dimension says that good values are; None without a prior."""
    if not parameter.has_prior:
        return None
    prior, confidence = to_unit(parameter, parameter.prior), parameter.confidence or USUAL
    if isinstance(parameter, Choice):
        return Mostly(prior, HOLD[confidence], len(parameter.choices))
    return Near(prior, SPREAD[confidence])
