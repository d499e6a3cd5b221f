"""Choices and branches that are left out since none of the best trials has them."""

from collections.abc import Iterator

from ....studies.records.effects import Effect, Share
from ....studies.records.explain import chance_of_as_many

LEVEL = 0.001
"""How probable it may be that a choice has so few of the best trials by chance, times the number of choices. So little,
as the trials that a sampler proposes late are better whatever their choice is, and those of a bad one are early."""


def bad_choices(effect: Effect) -> Iterator[tuple[Share, float]]:
    """Yield the choices that have too few of the best trials, each with the probability of that by chance.

    By Fisher's exact test, one-sided, times the number of choices (Bonferroni).
    """
    others = effect.trials - effect.best
    for share in effect.shares:
        chance = chance_of_as_many(share.trials - share.best, others, share.best, effect.best)
        if len(effect.shares) * chance <= LEVEL:
            yield share, len(effect.shares) * chance
