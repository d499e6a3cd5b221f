"""CMA-ES: the covariance matrix adaptation evolution strategy. Hansen 2016, arXiv:1604.00772.

Equations and default values are those of its appendix A, with weights below zero for the worse half. A state is a
value: it can be kept, and continued from twice.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RESAMPLED = 10  # times, until a draw lies in the unit cube; then it is clipped
SMALLEST = 1e-12  # a step; below, floats would make all points one


@dataclass(frozen=True)
class State:
    """A normal distribution, and how it came about: mean, step size, covariance, and the two evolution paths."""

    mean: Array
    sigma: float
    covariance: Array
    path_sigma: Array
    path_covariance: Array
    generation: int = 0

    @cached_property
    def axes(self) -> tuple[Array, Array]:
        """Eigenvectors of the covariance, in columns, and the roots of its eigenvalues."""
        values, vectors = np.linalg.eigh(self.covariance)
        return vectors, np.sqrt(np.maximum(values, SMALLEST**2))


class Cma:
    """The strategy in `dimension` (1 or more) dimensions; `population` trials are a generation."""

    def __init__(self, dimension: int) -> None:
        n = self.dimension = dimension
        self.population = 4 + int(3 * np.log(n))
        raw = np.log((self.population + 1) / 2) - np.log(np.arange(1, self.population + 1))
        self._parents = self.population // 2
        best = raw[: self._parents]
        self._mu = float(best.sum() ** 2 / (best**2).sum())  # how many equal weights would be worth as much
        self._c_sigma = (self._mu + 2) / (n + self._mu + 5)
        self._damping = 1 + 2 * max(0.0, np.sqrt((self._mu - 1) / (n + 1)) - 1) + self._c_sigma
        self._c_path = (4 + self._mu / n) / (n + 4 + 2 * self._mu / n)
        self._c_one = 2 / ((n + 1.3) ** 2 + self._mu)
        self._c_mu = min(1 - self._c_one, 2 * (self._mu - 2 + 1 / self._mu) / ((n + 2) ** 2 + self._mu))
        self._expected = np.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))  # length of a standard normal vector
        self._weights = self._signed(raw)

    def start(self, mean: Array, sigma: float) -> State:
        """The state before the first generation."""
        nothing = np.zeros(self.dimension)
        return State(mean, sigma, np.eye(self.dimension), nothing, nothing)

    def draw(self, state: State, random: np.random.Generator, least: Array) -> Array:
        """Draw a point of the unit cube.

        `least` (one a dimension) are standard deviations that the draws have at least: where a dimension has few
        values, less would never leave the one that it has.
        """
        vectors, lengths = state.axes
        missing = np.sqrt(np.maximum(least**2 - state.sigma**2 * np.diag(state.covariance), 0))
        point: Array = state.mean
        for _ in range(RESAMPLED):
            normal, more = random.standard_normal((2, self.dimension))
            point = state.mean + state.sigma * (vectors @ (lengths * normal)) + missing * more
            if ((point >= 0) & (point <= 1)).all():
                return point
        inside: Array = np.clip(point, 0, 1)
        return inside

    def tell(self, state: State, points: Array) -> State:
        """The state after a generation of `points`, one a row, the best first."""
        n, vectors, lengths = self.dimension, *state.axes
        steps = (points - state.mean) / state.sigma
        mean_step = self._weights[: self._parents] @ steps[: self._parents]
        whitened = vectors @ ((vectors.T @ mean_step) / lengths)
        path_sigma = self._follow(state.path_sigma, whitened, self._c_sigma)
        length = float(np.linalg.norm(path_sigma))
        settled = np.sqrt(1 - (1 - self._c_sigma) ** (2 * (state.generation + 1)))
        is_short = float(length / settled < (1.4 + 2 / (n + 1)) * self._expected)  # not while the step size leaps
        path = (1 - self._c_path) * state.path_covariance
        path = path + is_short * np.sqrt(self._c_path * (2 - self._c_path) * self._mu) * mean_step
        weights = np.where(self._weights >= 0, self._weights, self._weights * n / self._squares(state, steps))
        kept = 1 + self._c_one * (1 - is_short) * self._c_path * (2 - self._c_path)
        kept -= self._c_one + self._c_mu * self._weights.sum()
        learnt = self._c_one * np.outer(path, path) + self._c_mu * (steps.T * weights) @ steps
        rate = self._c_sigma / self._damping * (length / self._expected - 1)
        return State(
            mean=state.mean + state.sigma * mean_step,
            sigma=max(state.sigma * float(np.exp(min(1.0, rate))), SMALLEST),
            covariance=kept * state.covariance + learnt,
            path_sigma=path_sigma,
            path_covariance=path,
            generation=state.generation + 1,
        )

    def _follow(self, path: Array, step: Array, rate: float) -> Array:
        followed: Array = (1 - rate) * path + np.sqrt(rate * (2 - rate) * self._mu) * step
        return followed

    def _squares(self, state: State, steps: Array) -> Array:
        """The squared lengths of steps where the covariance is a unit sphere."""
        vectors, lengths = state.axes
        squares: Array = (((steps @ vectors) / lengths) ** 2).sum(axis=1) + SMALLEST
        return squares

    def _signed(self, raw: Array) -> Array:
        """The weights by rank: those above zero add up to 1, those below to what keeps the covariance positive."""
        above, below = np.maximum(raw, 0), np.minimum(raw, 0)
        mu_below = below.sum() ** 2 / (below**2).sum()
        most = min(
            1 + self._c_one / self._c_mu,
            1 + 2 * mu_below / (self._mu + 2),
            (1 - self._c_one - self._c_mu) / (self.dimension * self._c_mu),
        )
        signed: Array = above / above.sum() + most * below / abs(below.sum())
        return signed
