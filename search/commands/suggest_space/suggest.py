"""The next space, by what the trials of a study tell of each dimension."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ....spaces.forbid import possible
from ....spaces.parameter import Parameter
from ....spaces.space import Fixed, SearchSpace, branches_of
from ....studies.records.edges import edges
from ....studies.records.effects import effects
from .dimension import Change, Evidence, follow, with_prior

Fits = Callable[[SearchSpace], bool]
"""Whether a space may be loaded: fields have limits, and may do nothing without others."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A space that follows from another, and its changes beside the priors, which are those of the best trials."""

    space: SearchSpace
    changes: tuple[Change, ...]


def suggest(space: SearchSpace, trials: Sequence[Mapping[str, Any]], fits: Fits) -> Suggestion:
    """Suggest what to search next, after `trials` of `space`, their parameters, the best first.

    Ranges are narrowed about the best, and widened where the best lie at an end; what never mattered is fixed; choices
    and branches that the best do not have are left out. (The order of trials is that of `ranking.best_first`.)
    """
    own = [params for params in trials if space.allows(params)]  # the space may forbid more than it did
    text, believing = json.dumps(space.canonical()), _with_priors(space, own)
    by_key = {effect.key: effect for effect in effects(text, own)}
    ends = edges(text, own, len(own))
    suggestion = Suggestion(believing, ())
    for parameter in believing.parameters:
        if parameter.key in suggestion.space.by_key:  # its branch is not gone
            evidence = Evidence(by_key.get(parameter.key), [edge for edge in ends if edge.key == parameter.key])
            suggestion = _with_next(suggestion, parameter, evidence, fits)
    return suggestion


def _with_next(suggestion: Suggestion, parameter: Parameter, evidence: Evidence, fits: Fits) -> Suggestion:
    """The suggestion with what follows from a dimension, if it may have that."""
    space = suggestion.space
    entry, changes = follow(parameter, evidence, lambda other: fits(put(space, other)))
    if not changes or not fits(put(space, entry)):  # another field may do nothing without it
        return suggestion
    return Suggestion(put(space, entry), (*suggestion.changes, *changes))


def _with_priors(space: SearchSpace, trials: Sequence[Mapping[str, Any]]) -> SearchSpace:
    """The space with what the best trial has as its priors; in other branches with what the best one there has."""
    values = {p.key: [each[p.key] for each in trials if p.contains(each.get(p.key, ...))] for p in space.parameters}
    priors = {key: own[0] for key, own in values.items() if own}
    believing = replace(space, parameters=tuple(with_prior(each, priors) for each in space.parameters))
    if believing.allows(believing.priors()):
        return believing
    # the best trial lacks dimensions, as the space has changed, and what others have there must not be with its values
    best = {key: value for key, value in priors.items() if key in trials[0]}
    return replace(space, parameters=tuple(with_prior(each, best) for each in space.parameters))


def put(space: SearchSpace, entry: Parameter | Fixed) -> SearchSpace:
    """The space with a dimension or a value in the place of the dimension of that key.

    What stands in branches that are gone is gone, too, and so are combinations that cannot be any more.
    """
    before = space.by_key[entry.key]
    gone = set(branches_of(before)) - (set() if isinstance(entry, Fixed) else set(branches_of(entry)))
    others = [entry if each.key == entry.key else each for each in space.parameters]
    left = [each for each in (*others, *space.values) if gone.isdisjoint(each.condition)]
    dimensions = tuple(each for each in left if not isinstance(each, Fixed))
    values = tuple(each for each in left if isinstance(each, Fixed))
    changed = replace(space, parameters=dimensions, values=values, forbidden=())
    return replace(changed, forbidden=possible(space.forbidden, changed))
