"""Made-up tables of curves that mislead a search: none may break on them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from search_tables import Array, CurveTable

MADE_UP = "made-up"
ROWS, EPOCHS, SEED = 300, 27, 0
NAMES = ("learning_rate", "dropout", "batch_size", "optimizer", "optimizer.momentum")

Random = np.random.Generator
Make = Callable[[Array, Array, Random], Array]
"""Makes losses [N, E] of the quality of every row, [N, 1] in [0, 1], less is better, and the epochs [E], parts of 1."""


def made_up_tables() -> Sequence[CurveTable]:
    """Return one table of each kind, always the same."""
    return [
        _table(name, make, np.random.default_rng([SEED, place])) for place, (name, make) in enumerate(KINDS.items())
    ]


def _table(name: str, make: Make, random: Random) -> CurveTable:
    configs = _configs(random)
    quality = _quality(configs)
    losses = make(quality[:, None], np.arange(1, EPOCHS + 1) / EPOCHS, random)
    diverged = np.log10(configs[:, 0]) > -0.3  # learning rates above a half
    return CurveTable(f"made_up_{name}", NAMES, configs, np.where(diverged[:, None], np.inf, losses))


def _configs(random: Random) -> Array:
    """Draw configurations of a conditional space."""
    optimizer = random.integers(0, 2, ROWS).astype(float)
    momentum = np.where(optimizer == 1, random.uniform(0, 0.99, ROWS), np.nan)
    rate, dropout = 10 ** random.uniform(-5, 0, ROWS), random.uniform(0, 0.5, ROWS)
    return np.stack([rate, dropout, random.choice([32.0, 64.0, 128.0], ROWS), optimizer, momentum], axis=1)


def _quality(configs: Array) -> Array:
    """Return how far each row is from the best configuration: momentum 0.9, learning rate 0.01, dropout 0.2."""
    rate, dropout, batch, optimizer, momentum = configs.T
    far = (np.log10(rate) + 2) ** 2 / 9 + 4 * (dropout - 0.2) ** 2 + 0.05 * (batch != 64)
    far += np.where(optimizer == 1, (np.nan_to_num(momentum) - 0.9) ** 2, 0.3)
    return np.sqrt(far / far.max())


def late_bloomers(quality: Array, time: Array, random: Random) -> Array:
    """The best learn late: they are among the worst for the first third."""
    onset = 0.45 - 0.4 * quality
    return quality + (1.2 - quality) / (1 + np.exp((time - onset) * 20))


def overfitting(quality: Array, time: Array, random: Random) -> Array:
    """Those that learn fast get worse again."""
    speed = random.uniform(2, 12, quality.shape)
    return quality + np.exp(-speed * time) + 0.08 * np.maximum(0, speed - 5) * time**2


def noise(quality: Array, time: Array, random: Random) -> Array:
    """Early epochs are mostly noise, which dies down."""
    return quality + np.exp(-4 * time) + random.normal(0, 1, (len(quality), len(time))) * (1 - time) ** 2


def crossing(quality: Array, time: Array, random: Random) -> Array:
    """Early and final order are opposite, in the lower half of the epochs."""
    turn = 1 / (1 + np.exp((time - 0.5) * 12))
    return turn * (1.5 - quality) + (1 - turn) * quality


def plateaus(quality: Array, time: Array, random: Random) -> Array:
    """All are alike until each falls at a moment of its own."""
    falls = random.uniform(0.1, 0.8, quality.shape)
    return np.where(time < falls, 1.0, quality)


def easy(quality: Array, time: Array, random: Random) -> Array:
    """The first epoch tells all."""
    return quality + np.exp(-5 * time)


KINDS: Mapping[str, Make] = {
    each.__name__: each for each in (late_bloomers, overfitting, noise, crossing, plateaus, easy)
}
