"""SearchSpace: a space file once read and checked.

Frozen, and knowing nothing of files, pydantic or Optuna.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from ..errors import SpaceError, nearest
from .clause import Clause
from .parameter import Choice, Condition, Parameter, Scalar

FORBID = "forbid"
"""The key of what a space forbids, which is no value of a trial."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that every trial under `condition` has.

    `value` is a scalar, or a list where the field is one. `default` tells that the configuration has this value
    anyway, so that writing it down does not make another space.
    """

    key: str
    value: Any
    condition: Condition = ()
    default: bool = False


@dataclass(frozen=True)
class SearchSpace:
    """Dimensions and fixed values, each under its dotted key.

    `parameters` has parents before children, otherwise the order of the file. `apart` are values of the file that are
    no part of a trial, such as how the space is searched; nor do they belong to its identity. No trial has a
    combination of values that is `forbidden`.

    Raises:
        SpaceError: two entries have the same key.
    """

    name: str
    parameters: tuple[Parameter, ...]
    values: tuple[Fixed, ...] = ()
    apart: tuple[Fixed, ...] = ()
    forbidden: tuple[Clause, ...] = ()

    def __post_init__(self) -> None:
        keys = [entry.key for entry in (*self.parameters, *self.values)]
        twice = sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []
        if twice:
            raise SpaceError(f"{self.name}: {twice[0]}: duplicate key")

    @property
    def fixed(self) -> dict[str, Any]:
        """The fixed values by dotted key."""
        return {entry.key: entry.value for entry in self.values}

    @cached_property
    def by_key(self) -> Mapping[str, Parameter]:
        """The dimensions by dotted key."""
        return {parameter.key: parameter for parameter in self.parameters}

    def canonical(self) -> dict[str, Any]:
        """Return the identity of the space as JSON.

        It says what a trial can be.

        Independent of the order of the file, of where it lies, and of priors, which only say where to look first.
        """
        forbidden = sorted(clause.canonical() for clause in self.forbidden)
        return {
            "parameters": {p.key: p.canonical() | _when(p.condition) for p in sorted(self.parameters, key=_key)},
            "fixed": {
                f.key: {"value": f.value} | _when(f.condition) for f in sorted(self.values, key=_key) if not f.default
            },
            **({"forbidden": forbidden} if forbidden else {}),
        }

    @cached_property
    def hash(self) -> str:
        """Return the SHA-256 of the canonical JSON, in hexadecimal."""
        # no spaces and sorted keys: the hash must not depend on how JSON is laid out
        text = json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def active(self, params: Mapping[str, Scalar]) -> Iterator[Parameter]:
        """Yield the dimensions in the branches that `params` choose.

        Parents come first.

        Lazy on purpose: a caller may add the value of each parameter to `params` before it asks for the next.
        """
        return (parameter for parameter in self.parameters if holds(parameter.condition, params))

    def allows(self, params: Mapping[str, Scalar], clauses: Sequence[Clause] | None = None) -> bool:
        """Tell whether none of `clauses`, None for all that are forbidden, holds for `params` and the fixed values."""
        clauses = self.forbidden if clauses is None else clauses
        if not clauses:
            return True
        values = {entry.key: entry.value for entry in self.values if holds(entry.condition, params)} | dict(params)
        return not any(clause.holds(values) for clause in clauses)

    def priors(self) -> dict[str, Scalar]:
        """Return the all-prior configuration; {} without any prior.

        Dimensions without a prior are left out, and with them whatever stands in their branches.
        """
        chosen: dict[str, Scalar] = {}
        for parameter in self.active(chosen):
            if parameter.has_prior:
                chosen[parameter.key] = parameter.prior
        return chosen

    def size(self) -> float:
        """Count the different configurations, those that are forbidden among them; see configurations.count.

        inf where a dimension is continuous.
        """
        return self.size_of(())

    def most_trials(self, trials: int | None) -> float:
        """Count the trials that a search of `trials`, None for no limit, can begin; inf where there is no end."""
        return self.size() if trials is None else min(self.size(), trials)

    def size_of(self, condition: Condition) -> float:
        """Count what can be chosen under `condition`, in the branches of it included; 1 for nothing."""
        # branches are alternatives, so their sizes add; dimensions side by side multiply
        return prod(
            sum(self.size_of((*condition, branch)) for branch in branches_of(p)) or p.size()
            for p in self.parameters
            if p.condition == condition
        )

    def tree(self, params: Mapping[str, Scalar]) -> dict[str, Any]:
        """Build the nested configuration of `params` and the fixed values.

        Raises:
            SpaceError: `params` lacks a dimension, or has one that is unknown or not in a chosen branch.
        """
        nested: dict[str, Any] = {}
        for entry in self.values:
            if holds(entry.condition, params):
                _put(nested, path(entry.key, entry.condition), entry.value)
        active = list(self.active(params))
        self._check(params, {parameter.key for parameter in active})
        for parameter in active:
            if not (isinstance(parameter, Choice) and parameter.branching):
                _put(nested, path(parameter.key, parameter.condition), params[parameter.key])
        return nested

    def _check(self, params: Mapping[str, Scalar], active: set[str]) -> None:
        for key in active - params.keys():
            raise SpaceError(f"{self.name}: {key}: every dimension of a trial needs a value, got none")
        for key in params.keys() - active:
            if key in self.by_key:
                branches = " and ".join(f"{choice} is {branch}" for choice, branch in self.by_key[key].condition)
                raise SpaceError(f"{self.name}: {key}: exists only where {branches}, got {params[key]!r}")
            raise SpaceError(f"{self.name}: {key}: not a dimension; {nearest(key, self.by_key) if self.by_key else ''}")
        for key in active:
            parameter = self.by_key[key]
            if isinstance(parameter, Choice) and parameter.branching and not parameter.contains(params[key]):
                hint = nearest(str(params[key]), map(str, parameter.choices))
                raise SpaceError(f"{self.name}: {key}: no branch {params[key]!r}; {hint}")


def branches_of(parameter: Parameter) -> Condition:
    """The branches of a dimension, in their order, each as (its key, branch); () where it has none."""
    if not (isinstance(parameter, Choice) and parameter.branching):
        return ()
    return tuple((parameter.key, str(branch)) for branch in parameter.choices)


def holds(condition: Condition, params: Mapping[str, Scalar]) -> bool:
    """Tell whether `params` choose every branch of `condition`."""
    return all(params.get(key) == branch for key, branch in condition)


def path(key: str, condition: Condition) -> tuple[str, ...]:
    """Return the path of `key` in the configuration.

    That is without the names of the branches in it.

    >>> path("optimizer.sgd.lr", (("optimizer", "sgd"),))
    ('optimizer', 'lr')
    """
    if not condition:
        return tuple(key.split("."))
    choice, branch = condition[-1]
    inside = key[len(choice) + len(branch) + 2 :]
    return (*path(choice, condition[:-1]), *(inside.split(".") if inside else ()))


def _put(nested: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    for key in keys[:-1]:
        nested = nested.setdefault(key, {})
    nested[keys[-1]] = value


def _when(condition: Condition) -> dict[str, Any]:
    return {"when": [list(pair) for pair in condition]} if condition else {}


def _key(entry: Parameter | Fixed) -> str:
    return entry.key
