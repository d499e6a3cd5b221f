"""Recorded learning curves of one space on one data set: a journal while they grow, one npz when they are kept."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from hpo.spaces.parameter import Choice, Float, Int, Parameter, Scalar
from hpo.spaces.space import SearchSpace


@dataclass(frozen=True)
class Recorded:
    """The curve of one configuration.

    `number` says which draw of the space it is, `seconds` its CPU time. Losses in nats and accuracies in [0, 1] on the
    validation images: before training, then after each epoch; from the epoch on in which it diverged inf and NaN.
    """

    number: int
    params: Mapping[str, Scalar]
    valid_loss: Sequence[float]
    valid_accuracy: Sequence[float]
    seconds: float


class Journal:
    """A file with a line for the setting, and one for every finished configuration.

    A line is whole or it is not there: what a kill cut short is removed when the file is next opened.
    """

    def __init__(self, path: Path, setting: Mapping[str, Any]) -> None:
        self.path = path
        text = path.read_text() if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            os.truncate(path, len(whole.encode()))
        lines = [json.loads(line) for line in whole.splitlines()]
        if lines and lines[0] != setting:
            raise SystemExit(f"{path}: was recorded with another setting\n  there {lines[0]}\n  now   {setting}")
        self._by_number = {line["number"]: Recorded(**line) for line in lines[1:]}
        if not lines:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._append(setting)

    def adopt(self, recorded: Sequence[Recorded]) -> None:
        """Take configurations of a table that was kept for recorded; they stay where they are."""
        self._by_number = {each.number: each for each in recorded} | self._by_number

    def add(self, recorded: Recorded) -> None:
        """Append the curve of one configuration."""
        self._append(asdict(recorded))
        self._by_number[recorded.number] = recorded

    @property
    def recorded(self) -> Sequence[Recorded]:
        """What there is, by number."""
        return [self._by_number[number] for number in sorted(self._by_number)]

    @property
    def next_number(self) -> int:
        """The first number that is missing."""
        return next(number for number in count() if number not in self._by_number)

    @property
    def seconds(self) -> float:
        """The CPU time of all that was recorded."""
        return sum(each.seconds for each in self.recorded)

    def _append(self, line: Mapping[str, Any]) -> None:
        with self.path.open("a") as file:
            # inf and NaN are written as Python's json reads them again: this file is for nobody else
            file.write(json.dumps(line) + "\n")


def padded(values: Sequence[float], length: int, with_value: float) -> list[float]:
    """Return `values` in `length`, what is missing at the end being `with_value`."""
    return [*values, *[with_value] * (length - len(values))]


def arrays(space: SearchSpace, recorded: Sequence[Recorded], setting: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return what a table's npz holds.

    `names` [D], `configs` [N, D] (NaN where a dimension is inactive, the position of a choice in the legend),
    `valid_loss` and `valid_accuracy` [N, 1 + epochs] (column 0 is before training), `numbers` [N], `seconds` [N], and
    as JSON `legend`, every dimension by name, and `setting`.
    """
    ordered = sorted(recorded, key=lambda each: each.number)
    rows = [[as_number(p, each.params) for p in space.parameters] for each in ordered]
    legend = {p.key: p.canonical() | {"when": [list(pair) for pair in p.condition]} for p in space.parameters}
    return {
        "names": np.array([p.key for p in space.parameters]),
        "configs": np.array(rows, dtype=np.float64),
        "valid_loss": np.array([each.valid_loss for each in ordered], dtype=np.float32),
        "valid_accuracy": np.array([each.valid_accuracy for each in ordered], dtype=np.float32),
        "numbers": np.array([each.number for each in ordered]),
        "seconds": np.array([each.seconds for each in ordered], dtype=np.float32),
        "legend": np.array(json.dumps(legend)),
        "setting": np.array(json.dumps(setting)),
    }


def from_arrays(space: SearchSpace, kept: Mapping[str, np.ndarray]) -> list[Recorded]:
    """Return the configurations that a table's npz holds."""
    columns = [kept[name].tolist() for name in ("numbers", "configs", "valid_loss", "valid_accuracy", "seconds")]
    recorded = []
    for number, row, *rest in zip(*columns, strict=True):
        values = ((p.key, value) for p, x in zip(space.parameters, row, strict=True) for value in as_values(p, x))
        recorded.append(Recorded(number, dict(values), *rest))
    return recorded


def as_values(parameter: Parameter, number: float) -> tuple[Scalar, ...]:
    """Return the value that a number in a table stands for; () where the dimension is inactive."""
    if np.isnan(number):
        return ()
    match parameter:
        case Choice():
            return (parameter.choices[int(number)],)
        case Int():
            return (int(number),)
        case Float():
            return (number,)


def as_number(parameter: Parameter, params: Mapping[str, Scalar]) -> float:
    """Return a dimension's value in a table: NaN where it is inactive, the position of a choice."""
    if parameter.key not in params:
        return float("nan")
    value = params[parameter.key]
    if isinstance(parameter, Choice):
        # by identity of type as well: True is 1, but is another choice
        return float(next(i for i, each in enumerate(parameter.choices) if each == value and type(each) is type(value)))
    return float(value)  # type: ignore[arg-type]
