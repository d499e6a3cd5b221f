"""Bets against p-values being uniform.

Each multiplies a stake by 1 on average where they are, by more where not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# of payoffs 1 + slope (2p - 1): a shy and a bold one, both above 0, so that no p-value loses all
_SLOPES = (0.4, 0.9)
# small changes win slowly on the wide tail, large ones fast on the narrow
_TAILS = ((0.02, 0.10), (0.10, 0.20), (0.10, 0.50))  # (share of the values in a tail, the share bet on)
_MIDDLE = 0.65  # bet to lie between the quartiles, where half do at export


@dataclass(frozen=True, slots=True)
class Bet:
    """A bet on one direction of change.

    It wins by values that are "higher", "lower" or "less varied" than they were.
    """

    direction: str
    edges: tuple[float, float]  # of the region of p that is bet on; equal where the payoff rises with p in a line
    share: float  # what is bet to lie in the region; the slope of the line


def _tail(size: float, share: float) -> tuple[Bet, Bet]:
    return Bet("lower", (0.0, size), share), Bet("higher", (1 - size, 1.0), share)


BETS: tuple[Bet, ...] = (
    *(bet for slope in _SLOPES for bet in (Bet("higher", (0.0, 0.0), slope), Bet("lower", (0.0, 0.0), -slope))),
    *(bet for size, share in _TAILS for bet in _tail(size, share)),
    Bet("less varied", (0.25, 0.75), _MIDDLE),
)


def payoffs(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the payoff of every bet [..., bets] for p-values [...].

    At least 0.1 and at most 5; 1 where a p-value is NaN.
    """
    is_number = ~np.isnan(ranks)
    # the last row of the table, `_STEPS`, is that of NaN
    rows = np.where(is_number, np.minimum(np.where(is_number, ranks, 0) * _STEPS, _STEPS - 1), _STEPS)
    result: NDArray[np.float64] = _TABLE[rows.astype(np.int64)]
    return result


def _payoff(bet: Bet, ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = bet.edges
    if low == high:
        return 1 + bet.share * (2 * ranks - 1)
    size = high - low
    return np.where((ranks > low) & (ranks < high), bet.share / size, (1 - bet.share) / (1 - size))


_STEPS = 200  # p-values within 0.005 of each other pay the same; every edge above is between two steps
_MIDDLES = (np.arange(_STEPS) + 0.5) / _STEPS
_TABLE = np.stack([np.append(_payoff(bet, _MIDDLES), 1.0) for bet in BETS], axis=1)
