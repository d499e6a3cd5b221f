"""The models of a space, to be tried before any is trained."""

from collections.abc import Iterator

from ...spaces.probe import corners
from ...spaces.space import SearchSpace
from ...training.config import TrialConfig
from ...training.models.config import needs_trial
from .configure import configure

MAX_MODELS = 100
"""How many models are tried at most.

Each costs a forward pass, and an export unless that is skipped, while the user waits for the first trial; the faults of
a larger space mostly show in its first branches, and its trials show the rest.
"""


def models_to_try(space: SearchSpace) -> list[TrialConfig]:
    """Configurations that cover the section `model` of a space.

    Between them they have each of its branches, choices and ends of ranges.

    Those that cannot fail are left out, and where a space has more than MAX_MODELS the rest is too: the usual one
    comes first, then they come in the order of the space.
    """
    return list(_distinct(space))[:MAX_MODELS]


def _distinct(space: SearchSpace) -> Iterator[TrialConfig]:
    seen = set()
    for params in corners(space, "model"):
        config = configure(space, params)
        # spaces differ mostly in other sections, so many corners have the same model
        text = config.model.model_dump_json()
        if text not in seen and needs_trial(config.model):
            yield config
        seen.add(text)  # of those that need no trial, too, so that each is asked about once
