"""Warm start: the best trials of other studies as the first of a new one."""

import json
from collections.abc import Iterator, Mapping
from functools import reduce
from operator import getitem
from typing import Any

from ...errors import StudyError
from ...spaces.parameter import Choice, Parameter, Scalar
from ...spaces.space import SearchSpace, path
from ...studies.book.first_trials import FirstTrial
from ...studies.records.readable import Readable
from ...studies.records.summarise import summarise
from ...studies.records.trial import TrialRecord

BEST = 5
"""Trials that are taken over from each study: the best one may have been lucky, and each costs a trial here."""

_MISSING = object()


def warm_start(storage: Readable, study: str, space: SearchSpace) -> list[FirstTrial]:
    """The best complete trials of `study`, as far as `space` has their values and allows them; the best first.

    Raises:
        StudyError: no such study, or it has no complete trial that shares a dimension with the space.
    """
    best = summarise(storage, study).own_best(BEST)
    first: dict[str, FirstTrial] = {}
    for trial in best:
        if (params := mapped(space, trial.params, _tree(trial))) and space.allows(params):
            text = json.dumps(params, sort_keys=True)
            first.setdefault(text, FirstTrial(params, {"study": study, "trial": trial.number}))
    if not first:
        why = (
            "none of its dimensions is one of this space, or what they are is forbidden"
            if best
            else "it has no complete trial"
        )
        raise StudyError(f"--warm-start {study}: there is nothing to begin with; {why}")
    return list(first.values())


def mapped(space: SearchSpace, params: Mapping[str, Any], tree: Mapping[str, Any]) -> dict[str, Scalar]:
    """The values for dimensions of `space` in a trial of another space.

    A value is taken by its dotted key, else from where it stands in the configuration `tree`: what is a dimension here
    may have been fixed there, or have stood in no branch. What the space does not have is left out, and so is the
    inside of a branch that is not chosen.
    """
    chosen: dict[str, Scalar] = {}
    for parameter in space.active(chosen):  # which looks at `chosen` as it grows
        for value in (params.get(parameter.key, _MISSING), _in_tree(space, parameter, tree)):
            if value is not _MISSING and parameter.contains(value):
                chosen[parameter.key] = value
                break
    return chosen


def _in_tree(space: SearchSpace, parameter: Parameter, tree: Mapping[str, Any]) -> Any:
    if isinstance(parameter, Choice) and parameter.branching:
        return next(_branches(space, parameter, tree), _MISSING)
    return _at(tree, path(parameter.key, parameter.condition))


def _branches(space: SearchSpace, choice: Choice, tree: Mapping[str, Any]) -> Iterator[str]:
    """The branches whose own fixed values, of which there must be one, `tree` has."""
    for branch in map(str, choice.choices):
        inside = (*choice.condition, (choice.key, branch))
        values = [fixed for fixed in space.values if fixed.condition == inside]
        if values and all(_at(tree, path(fixed.key, inside)) == fixed.value for fixed in values):
            yield branch


def _at(tree: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    try:
        return reduce(getitem, keys, tree)
    except (LookupError, TypeError):
        return _MISSING


def _tree(trial: TrialRecord) -> Mapping[str, Any]:
    """The configuration of a trial; {} where another version wrote something else."""
    try:
        tree = json.loads(trial.config)
    except ValueError:
        return {}
    return tree if isinstance(tree, dict) else {}
