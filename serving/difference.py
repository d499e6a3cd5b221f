"""Whether two arms differ, by a test that may be looked at after every request."""

import math
from dataclasses import dataclass, field

_SCALE = 0.1  # of the differences of confidence that are looked for; the test is valid for any, and quickest near it


@dataclass(slots=True)
class Moments:
    """Count, mean and variance of numbers that come one by one (Welford 1962)."""

    count: int = 0
    mean: float = 0.0
    _squares: float = 0.0

    def add(self, value: float) -> None:
        """Take one number in."""
        self.count += 1
        before = value - self.mean
        self.mean += before / self.count
        self._squares += before * (value - self.mean)

    @property
    def variance(self) -> float:
        """Of the population, unbiased; 0 for fewer than two numbers."""
        return self._squares / (self.count - 1) if self.count > 1 else 0.0


@dataclass(slots=True)
class SequentialTest:
    """The p-value of "the means are equal", valid at whatever moment it is read.

    The mixture sequential probability ratio test (Johari et al. 2017, "Peeking at A/B tests", section 4) with a normal
    mixture: the chance that p ever falls to x or below, if the means are equal, is at most about x.
    """

    p: float = 1.0
    _LEAST = 30  # numbers on each side before the normal approximation is trusted

    def look(self, difference: float, variance: float, count: int) -> float:
        """Take in the `difference` of the means so far, with its `variance`, from `count` numbers on the smaller side.

        Returns:
            p, which never rises.
        """
        if count >= SequentialTest._LEAST and variance > 0:
            wide = variance + _SCALE**2
            log_ratio = 0.5 * math.log(variance / wide) + difference**2 * _SCALE**2 / (2 * variance * wide)
            self.p = min(self.p, math.exp(-min(max(log_ratio, 0.0), 700.0)))
        return self.p


@dataclass(slots=True)
class Share:
    """Requests shared between two arms: each image has one answer, and the means of confidence are compared."""

    champion: Moments = field(default_factory=Moments)
    challenger: Moments = field(default_factory=Moments)
    test: SequentialTest = field(default_factory=SequentialTest)

    def add(self, arm: str, confidence: float) -> None:
        """Take in one answer."""
        (self.champion if arm == "champion" else self.challenger).add(confidence)
        smaller = min(self.champion.count, self.challenger.count)
        if smaller:
            variance = self.champion.variance / self.champion.count + self.challenger.variance / self.challenger.count
            self.test.look(self.difference, variance, smaller)

    @property
    def difference(self) -> float:
        """Mean confidence of the challenger less the champion's."""
        return self.challenger.mean - self.champion.mean


@dataclass(slots=True)
class Pairs:
    """The same images answered by both arms: agreement, and the paired difference of confidence."""

    differences: Moments = field(default_factory=Moments)
    agreed: int = 0
    test: SequentialTest = field(default_factory=SequentialTest)

    def add(self, same_class: bool, difference: float) -> None:
        """Take in one image; `difference` is the challenger's confidence less the champion's."""
        self.differences.add(difference)
        self.agreed += same_class
        count = self.differences.count
        self.test.look(self.differences.mean, self.differences.variance / count, count)

    @property
    def agreement(self) -> float | None:
        """The share of images with the same class; None before the first."""
        return self.agreed / self.differences.count if self.differences.count else None
