"""The identity of a study, from its space and data."""

from collections.abc import Mapping

from ...spaces.space import SearchSpace
from ...studies.book.open_study import Identity
from ...training.config import TrialConfig


def identify(
    space: SearchSpace, config: TrialConfig, *, fingerprint: str, command: str, models: Mapping[str, str] | None = None
) -> Identity:
    """The identity of a study of `space`.

    Args:
        space: the search space.
        config: any configuration of it.
        fingerprint: the digest of the data.
        command: what the user typed.
        models: digests of the users' models in the space by their names.
    """
    return Identity(
        space_name=space.name,
        space=space.canonical(),
        priors=space.priors(),
        # neither objective nor seed can be searched over, so any configuration has them
        metric=config.objective.metric,
        direction=config.objective.direction,
        further={each.metric: each.direction for each in config.objective.also},
        at=config.objective.words,
        fingerprint=fingerprint,
        seed=config.seed,
        command=command,
        models=models or {},
    )
