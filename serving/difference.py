"""Sequential tests of whether two arms differ.

They may be looked at after every request.
"""

import math
from dataclasses import dataclass, field

_SCALE = 0.1  # of the differences of confidence that are looked for; the test is valid for any, and quickest near it


@dataclass(slots=True)
class Moments:
    """Running count, mean and variance (Welford 1962)."""

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
        """Return the unbiased variance; 0 for fewer than two numbers."""
        return self._squares / (self.count - 1) if self.count > 1 else 0.0


@dataclass(slots=True)
class SequentialTest:
    """An always-valid p-value of "the means are equal".

    The mixture sequential probability ratio test (Johari et al. 2017, "Peeking at A/B tests", section 4) with a normal
    mixture: the chance that p ever falls to x or below, if the means are equal, is at most about x.
    """

    p: float = 1.0
    _LEAST = 30  # numbers on each side before the normal approximation is trusted

    def look(self, difference: float, variance: float, count: int) -> float:
        """Update p by the `difference` of the means so far.

        It comes with its `variance`, from `count` numbers on the smaller side.

        Returns:
            p, which never rises.
        """
        if count >= SequentialTest._LEAST and variance > 0:
            wide = variance + _SCALE**2
            # log of the likelihood ratio, normal(0, variance + scale^2) to normal(0, variance) (Johari et al., equation
            # 3)
            log_ratio = 0.5 * math.log(variance / wide) + difference**2 * _SCALE**2 / (2 * variance * wide)
            # exp(-700) is about the smallest double
            self.p = min(self.p, math.exp(-min(max(log_ratio, 0.0), 700.0)))
        return self.p


@dataclass(slots=True)
class Share:
    """Confidence of two arms that share the requests.

    Each image has one answer, and the means are compared.
    """

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
        """Return the challenger's mean confidence less the champion's."""
        return self.challenger.mean - self.champion.mean


@dataclass(slots=True)
class Pairs:
    """Answers of both arms to the same images.

    Agreement, and the paired difference of confidence.
    """

    differences: Moments = field(default_factory=Moments)
    agreed: int = 0
    test: SequentialTest = field(default_factory=SequentialTest)

    def add(self, same_class: bool, difference: float) -> None:
        """Take in one image.

        `difference` is the challenger's confidence less the champion's.
        """
        self.differences.add(difference)
        self.agreed += same_class
        count = self.differences.count
        self.test.look(self.differences.mean, self.differences.variance / count, count)

    @property
    def agreement(self) -> float | None:
        """Return the share of images with the same class, or None.

        None before the first.
        """
        return self.agreed / self.differences.count if self.differences.count else None
