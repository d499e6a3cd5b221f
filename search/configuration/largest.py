"""The configurations of a space whose checkpoints may be the largest."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from ...errors import SpaceError
from ...spaces.parameter import Choice, Scalar
from ...spaces.probe import corners
from ...spaces.space import SearchSpace
from ...training.config import TrialConfig
from .configure import configure

SECTIONS = ("model", "optimizer", "ema")
"""What a checkpoint's size depends on."""

MAX_CONFIGS = 100
"""How many are named at most: each takes milliseconds, and the largest of so many says enough of a disk."""


def largest_configs(space: SearchSpace) -> list[TrialConfig]:
    """Every branch and choice of a space that changes the size of a checkpoint, with all numbers of its model high."""
    return list(islice(_distinct(space), MAX_CONFIGS))


def _distinct(space: SearchSpace) -> Iterator[TrialConfig]:
    seen = set()
    for params in (params for section in SECTIONS for params in corners(space, section)):
        with suppress(SpaceError):  # numbers that are all high may break a law between them
            config = configure(space, _raised(space, params))
            text = config.model_dump_json(include=set(SECTIONS))
            if text not in seen:
                seen.add(text)
                yield config


def _raised(space: SearchSpace, params: dict[str, Scalar]) -> dict[str, Scalar]:
    """The configuration with every number of its model at the high end."""
    numbers = [p for p in space.active(params) if p.key.startswith("model.") and not isinstance(p, Choice)]
    return {**params, **{number.key: number.high for number in numbers}}
