"""Parts that the model libraries share."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ...errors import TrainingError

_NEAR = 3  # names that an error suggests


class ImageSizeError(TrainingError):
    """An architecture is not made for images of this size."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """The image statistics of published weights.

    How images were normalised in their training: mean and deviation per channel of pixels in [0, 1].
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


def unknown_arch(arch: str, library: str, archs: Sequence[str]) -> TrainingError:
    """Return the error for an architecture that `library` does not have.

    It suggests those of nearly its name.
    """
    near = get_close_matches(arch, archs, n=_NEAR)
    hint = f"did you mean {' or '.join(near)}?" if near else f"`hpo models {library}` lists all {len(archs):,}"
    return TrainingError(f"model.arch: {library} has no classifier {arch}; {hint}")
