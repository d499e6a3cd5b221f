"""The models of a space, so that each can be tried before any is trained."""

from collections.abc import Iterator

from ...spaces.probe import corners
from ...spaces.space import SearchSpace
from ...training.config import TrialConfig
from ...training.models.config import needs_trial
from .configure import configure

MAX_MODELS = 100


def models_to_try(space: SearchSpace) -> list[TrialConfig]:
    """Configurations that between them have every branch, choice and end of a range of the section `model`.

    Those that cannot fail are left out, and where a space has more than MAX_MODELS the rest is too: the usual one
    comes first, then they come in the order of the space.
    """
    return list(_distinct(space))[:MAX_MODELS]


def _distinct(space: SearchSpace) -> Iterator[TrialConfig]:
    seen = set()
    for params in corners(space, "model"):
        config = configure(space, params)
        text = config.model.model_dump_json()
        if text not in seen and needs_trial(config.model):
            yield config
        seen.add(text)
