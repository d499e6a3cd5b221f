"""What the libraries of models have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ...errors import TrainingError

_NEAR = 3


class ImageSizeError(TrainingError):
    """An architecture is not made for images of this size."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """How images were normalised when weights were trained: mean and deviation per channel of pixels in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


def unknown_arch(arch: str, library: str, known: Sequence[str]) -> TrainingError:
    """The refusal of an architecture that `library` does not have, with those of nearly its name."""
    near = get_close_matches(arch, known, n=_NEAR)
    hint = f"did you mean {' or '.join(near)}?" if near else f"`hpo models {library}` lists all {len(known):,}"
    return TrainingError(f"model.arch: {library} has no classifier {arch}; {hint}")
