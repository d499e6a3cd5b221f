"""A study as plain data: all that Optuna's tables hold of it, in the forms that they hold, without their ids.

So that it means the same in any store: times are UTC, values have Optuna's marks of what is not finite, attributes and
distributions are its JSON texts. Trials are known by their numbers, also in the attributes of optuna-dashboard.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.engine import Connection

from ...errors import StudyError
from ..attributes import CHECKPOINT, OWNER, PAUSED, SHARED_FILES
from ..store.tables import (
    ATTRIBUTES,
    DIRECTIONS,
    EPOCHS,
    MARKS,
    PARAMS,
    STUDIES,
    STUDY_ATTRIBUTES,
    STUDY_MARKS,
    TRIALS,
    VALUES,
)

Stored = tuple[float | None, str]
"""A number as Optuna stores it, with FINITE, or without one and INF_POS, INF_NEG or NAN."""

_OF_A_TRIAL = re.compile(r"(dashboard:(?:artifacts:)?)(\d+)(:.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TrialDump:
    """A trial: `start` and `end` in UTC, `params` and `epochs` by name and step, attributes as JSON texts by key.

    A parameter is Optuna's inner number of it, and the JSON of its distribution.
    """

    number: int
    state: str
    start: str | None
    end: str | None
    params: Mapping[str, tuple[float, str]]
    values: Sequence[Stored]
    epochs: Mapping[str, Stored]
    attributes: Mapping[str, str]
    marks: Mapping[str, str]

    @property
    def line(self) -> str:
        """Its JSON, the same wherever it is read."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @property
    def ran(self) -> bool:
        """Whether a coordinator of hpo was running it, or had been killed under it."""
        owner, paused = (json.loads(self.attributes.get(key, "null")) for key in (OWNER, PAUSED))
        return self.state == "RUNNING" and isinstance(owner, Mapping) and not paused


@dataclass(frozen=True, slots=True)
class StudyDump:
    """A study with its trials by number, its attributes as JSON texts by key."""

    name: str
    directions: Sequence[str]
    attributes: Mapping[str, str]
    marks: Mapping[str, str]
    trials: Sequence[TrialDump]

    @property
    def head(self) -> dict[str, Any]:
        """All but the trials and the name, by which it may change as it moves."""
        return {"directions": list(self.directions), "attributes": dict(self.attributes), "marks": dict(self.marks)}

    @property
    def counts(self) -> dict[str, int]:
        """How many trials, parameters, values, epochs and attributes there are."""
        of_trials = {kind: sum(len(getattr(trial, kind)) for trial in self.trials) for kind in _KINDS}
        return {"trials": len(self.trials), **of_trials}

    @property
    def digest(self) -> str:
        """The SHA-256 of all of it but the name."""
        digest = hashlib.sha256(json.dumps(self.head, sort_keys=True).encode())
        for trial in self.trials:
            digest.update(b"\n" + trial.line.encode())
        return digest.hexdigest()

    def at_rest(self) -> "StudyDump":
        """The same with what ran put back in line: nobody runs it where the study comes to.

        Nor does it point to the files that it shared: whoever goes on with it there still does.
        """
        return replace(self, attributes=_without(self.attributes, SHARED_FILES), trials=[*map(_at_rest, self.trials)])

    def in_seconds(self) -> "StudyDump":
        """The same with times in whole seconds, which is what MySQL keeps of them."""
        trials = [replace(trial, start=_seconds(trial.start), end=_seconds(trial.end)) for trial in self.trials]
        return replace(self, trials=trials)


def _at_rest(trial: TrialDump) -> TrialDump:
    trial = replace(trial, attributes=_without(trial.attributes, CHECKPOINT))
    return replace(trial, state="WAITING", attributes={**trial.attributes, OWNER: "null"}) if trial.ran else trial


def _without(attributes: Mapping[str, str], key: str) -> dict[str, str]:
    return {name: text for name, text in attributes.items() if name != key}


_KINDS = ("params", "values", "epochs", "attributes", "marks")


def study_names(connection: Connection) -> list[str]:
    """The names of the studies in a store, the oldest first."""
    return list(connection.execute(select(STUDIES.c.study_name).order_by(STUDIES.c.study_id)).scalars())


def dump(connection: Connection, name: str) -> StudyDump:
    """Read study `name` within one transaction, which must see one state of the store.

    Raises:
        StudyError: there is none of that name.
    """
    study_id = connection.execute(select(STUDIES.c.study_id).where(STUDIES.c.study_name == name)).scalar_one_or_none()
    if study_id is None:
        raise StudyError(f"the store holds no study {name!r}")
    columns = (TRIALS.c.trial_id, TRIALS.c.number, TRIALS.c.state, TRIALS.c.datetime_start, TRIALS.c.datetime_complete)
    rows = connection.execute(select(*columns).where(TRIALS.c.study_id == study_id).order_by(TRIALS.c.number)).all()
    numbers = {row.trial_id: row.number for row in rows}
    parts = _Parts(connection, study_id)
    params = parts.by_trial(PARAMS, "param_name", "param_value", "distribution_json")
    values = parts.by_trial(VALUES, "objective", "value", "value_type")
    epochs = parts.by_trial(EPOCHS, "step", "intermediate_value", "intermediate_value_type")
    attributes, marks = (parts.by_trial(table, "key", "value_json") for table in (ATTRIBUTES, MARKS))
    trials = [
        TrialDump(
            number=row.number,
            state=row.state.name,
            start=row.datetime_start and row.datetime_start.isoformat(),
            end=row.datetime_complete and row.datetime_complete.isoformat(),
            params=params[row.trial_id],
            values=[value for _, value in sorted(values[row.trial_id].items())],
            epochs={str(step): value for step, value in sorted(epochs[row.trial_id].items())},
            attributes=attributes[row.trial_id],
            marks=marks[row.trial_id],
        )
        for row in rows
    ]
    directions = parts.of_study(DIRECTIONS, "objective", "direction")
    names = [direction.name for _, direction in sorted(directions.items())]
    own, own_marks = (parts.of_study(table, "key", "value_json") for table in (STUDY_ATTRIBUTES, STUDY_MARKS))
    return StudyDump(name, names, own, renamed(own_marks, numbers), trials)


def renamed(marks: Mapping[str, str], trials: Mapping[int, int]) -> dict[str, str]:
    """The attributes of a study in which trials are named as `trials` says; one that is not there is left out."""
    given = {}
    for key, text in marks.items():
        match = _OF_A_TRIAL.fullmatch(key)
        if match is None:
            given[key] = text
        elif (name := trials.get(int(match[2]))) is not None:
            given[f"{match[1]}{name}{match[3]}"] = text
    return given


def artifact_ids(marks: Mapping[str, str]) -> Iterator[str]:
    """The ids of the files that are attached to trials, by the attributes of their study."""
    for key in marks:
        match = _OF_A_TRIAL.fullmatch(key)
        if match is not None and match[1].endswith("artifacts:"):
            yield match[3][1:]


class _Parts:
    """The rows of one study, by what they belong to."""

    def __init__(self, connection: Connection, study_id: int) -> None:
        self._connection, self._study_id = connection, study_id

    def by_trial(self, table: Table, key: str, *columns: str) -> Mapping[int, dict[Any, Any]]:
        """The `columns` of each row by trial id and `key`; a single one as itself."""
        wanted = [table.c.trial_id, table.c[key], *(table.c[name] for name in columns)]
        query = select(*wanted).join(TRIALS, TRIALS.c.trial_id == table.c.trial_id)
        parts: Mapping[int, dict[Any, Any]] = defaultdict(dict)
        rows: Iterable[Any] = self._connection.execute(query.where(TRIALS.c.study_id == self._study_id))
        for trial_id, name, *content in rows:
            parts[trial_id][name] = _plain(content)
        return parts

    def of_study(self, table: Table, key: str, column: str) -> dict[Any, Any]:
        query = select(table.c[key], table.c[column]).where(table.c.study_id == self._study_id)
        return dict(self._connection.execute(query).all())


def _plain(content: list[Any]) -> Any:
    """A single column as itself; an enumeration by its name."""
    plain = [getattr(each, "name", each) for each in content]
    return plain[0] if len(plain) == 1 else tuple(plain)


def _seconds(time: str | None) -> str | None:
    return time and time.partition(".")[0]
