"""The search space of a table of curves, and the row that a point of it stands for.

Whoever searches proposes points of the space that the table's values span, and sees none of its rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from hpo.spaces.parameter import Choice, Condition, Float, Parameter, Scalar
from hpo.spaces.space import SearchSpace
from hpo.spaces.unit import from_unit, to_unit
from search_columns import Column, branch_of, columns_of
from search_tables import Array, CurveTable

ON, OFF = "yes", "no"


@dataclass(frozen=True)
class Prior:
    """Priors that are the values of a row, each `off` by so much of its range, toward the end that is further away.

    `row` is its place among all rows as a part of them, the best at the end first. `least_gain` is what they are to do:
    the epochs of a search without them by those of one with them.
    """

    row: float
    off: float
    least_gain: float


PRIORS = {"near": Prior(0.0, 0.15, 2.0), "good": Prior(0.02, 0.0, 2.0), "bad": Prior(0.98, 0.0, 1 / 1.2)}


@dataclass(frozen=True)
class TableSpace(SearchSpace):
    """The space of a table, of which a configuration says only for how many epochs it is trained."""

    epochs: int = 1
    columns: Mapping[str, Column] = field(default_factory=dict)  # by the key of a dimension

    def tree(self, params: Mapping[str, Scalar]) -> dict[str, Any]:
        """Build the configuration of a trial."""
        objective = {"metric": "val_loss", "direction": "minimize"}
        return {"objective": objective, "data": {"source": "digits"}, "budget": {"epochs": self.epochs}}


@dataclass(frozen=True)
class _Place:
    """A place of a column in the space: a key of its own for each branch in which it has a value."""

    key: str
    condition: Condition


class _Layout:
    """The branches of a table's columns."""

    def __init__(self, table: CurveTable) -> None:
        self.columns = columns_of(table)
        active = ~np.isnan(table.configs)
        self._sometimes = [column for column in self.columns if not active[:, column.index].all()]
        choices = [column for column in self.columns if column.choices]
        self._branches = {column: branch_of(column, choices, table.configs) for column in self._sometimes}
        self._parents = {branch.parent for branch in self._branches.values() if branch}

    def parameters(self) -> Iterator[tuple[Parameter, Column | None]]:
        """Yield the dimensions, parents before children, with the column that each is of; a switch is of none."""
        for column, branch in self._branches.items():
            if branch is None:
                yield Choice(_switch(column), (OFF, ON), branching=True), None
        dimensions = [(place, column) for column in self.columns for place in self._places(column)]
        for place, column in sorted(dimensions, key=lambda each: len(each[0].condition)):
            yield self._parameter(place, column), column

    def _places(self, column: Column) -> list[_Place]:
        if column not in self._branches:
            return [_Place(column.name, ())]
        branch = self._branches[column]
        if branch is None:
            return [_Place(column.name, ((_switch(column), ON),))]
        conditions = [
            (*parent.condition, (parent.key, _name(value)))
            for parent in self._places(branch.parent)
            for value in branch.values
        ]
        if len(conditions) == 1:
            return [_Place(column.name, conditions[0])]
        return [_Place(f"{column.name}@{','.join(v for _, v in condition)}", condition) for condition in conditions]

    def _parameter(self, place: _Place, column: Column) -> Parameter:
        if column in self._parents:
            names = tuple(map(_name, column.choices))
            return Choice(place.key, names, branching=True, condition=place.condition)
        if column.choices:
            return Choice(place.key, column.choices, condition=place.condition)
        return Float(place.key, column.low, column.high, log=column.is_log, condition=place.condition)


@cache
def space_of(table: CurveTable) -> TableSpace:
    """Return the space that a table's values span.

    A column that has no value in some rows is a dimension of a branch: of the choice that explains which rows those
    are, anew for each of its values where it has one, or else of a switch.
    """
    made = list(_Layout(table).parameters())
    columns = {parameter.key: column for parameter, column in made if column is not None}
    return TableSpace(table.name, tuple(parameter for parameter, _ in made), epochs=table.epochs, columns=columns)


def with_priors(table: CurveTable, kind: str) -> TableSpace:
    """Return the space of a table with priors of a kind of PRIORS, of the usual confidence; switches have none."""
    space, prior = space_of(table), PRIORS[kind]
    row = table.configs[np.argsort(table.losses[:, -1], kind="stable")[int(prior.row * table.rows)]]
    parameters = tuple(_with_prior(each, space.columns, row, prior.off) for each in space.parameters)
    return replace(space, parameters=parameters)


def _with_prior(parameter: Parameter, columns: Mapping[str, Column], row: Array, off: float) -> Parameter:
    column = columns.get(parameter.key)
    if column is None or np.isnan(row[column.index]):
        return parameter
    value = column.to_space(float(row[column.index]))
    if isinstance(parameter, Choice):
        return replace(parameter, prior_index=column.choices.index(value))
    unit = to_unit(parameter, value)
    return replace(parameter, prior=from_unit(parameter, unit + (off if unit < 0.5 else -off)) if off else value)


def params_of(table: CurveTable, row: int) -> dict[str, Scalar]:
    """Return the point of its table's space that a row is."""
    space, params = space_of(table), dict[str, Scalar]()
    for parameter in space.active(params):
        column = space.columns.get(parameter.key)
        if column is None:
            name = parameter.key.removesuffix(".is_active")
            params[parameter.key] = OFF if np.isnan(table.configs[row, table.names.index(name)]) else ON
        else:
            value = float(table.configs[row, column.index])
            is_branch = isinstance(parameter, Choice) and parameter.branching
            params[parameter.key] = _name(value) if is_branch else column.to_space(value)
    return params


def _switch(column: Column) -> str:
    return f"{column.name}.is_active"


def _name(value: float) -> str:
    return f"{value:g}"


class Pool:
    """The rows of a table that were not tried yet."""

    def __init__(self, table: CurveTable) -> None:
        self._table, self._columns = table, space_of(table).columns
        order = sorted(set(self._columns.values()), key=lambda column: column.index)
        self._axes = {column: axis for axis, column in enumerate(order)}
        self._is_choice = np.array([bool(column.choices) for column in order])
        self._points = np.stack([column.from_table(table.configs[:, column.index]) for column in order], axis=1)
        self._free = np.ones(table.rows, dtype=bool)
        self._own = self._free.copy()

    def __len__(self) -> int:
        return int(self._free.sum())

    def keep_to(self, space: SearchSpace) -> None:
        """Take the rows that are in a narrower space first; of a dimension that it has fixed any value will do."""
        self._own = np.array([_has(space, params_of(self._table, row)) for row in range(self._table.rows)])

    def take(self, params: Mapping[str, Scalar]) -> int:
        """Return the free row that is nearest to a point of the space, of those it keeps to if any; it is free no more.

        In each dimension the distance is that of the places in [0, 1] on its scale; it is 1 between two choices, and
        where only one of the two has a value.

        Raises:
            IndexError: no row is free.
        """
        if not self._free.any():
            raise IndexError("each row of the table was tried")
        point = np.full(len(self._axes), np.nan)
        for key, value in params.items():
            if column := self._columns.get(key):
                point[self._axes[column]] = column.from_space(value)
        apart = np.abs(self._points - point)
        both_absent = np.isnan(self._points) & np.isnan(point)
        apart = np.where(self._is_choice, (apart != 0).astype(float), np.nan_to_num(apart, nan=1.0))
        apart[both_absent] = 0.0
        own = self._free & self._own
        row = int(np.where(own if own.any() else self._free, (apart**2).sum(axis=1), np.inf).argmin())
        self._free[row] = False
        return row


def _has(space: SearchSpace, params: Mapping[str, Scalar]) -> bool:
    return all(parameter.contains(params[parameter.key]) for parameter in space.active(params))
