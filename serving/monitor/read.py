"""Reading of a prediction log, as arrays.

Windows, counts, alarms and true labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, and_, func, select

from .alarm import Alarm
from .features import Numbers
from .schema import alarms, drops, feedback, predictions


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The newest predictions, oldest first.

    Every array has their number as its first length.

    `probabilities` is [n, classes], `statistics` [n, 3]; `truth` holds the true class where feedback came, else "".
    """

    time: NDArray[np.float64]
    request: NDArray[np.str_]
    arm: NDArray[np.str_]
    answer: NDArray[np.str_]
    truth: NDArray[np.str_]
    confidence: NDArray[np.float64]
    latency_s: NDArray[np.float64]
    statistics: Numbers
    probabilities: Numbers

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of predictions in a log.

    By model version, since when, and how many were never written.
    """

    total: int
    by_version: Mapping[str, int]
    first: float | None
    last: float | None
    dropped: int


def read_counts(engine: Engine) -> Counts:
    """Count what the log holds."""
    with engine.connect() as connection:
        grouped = connection.execute(
            select(predictions.c.version, func.count())
            .group_by(predictions.c.version)
            .order_by(func.max(predictions.c.id))
        )
        by_version = {str(version): int(count) for version, count in grouped}
        first, last = connection.execute(select(func.min(predictions.c.time), func.max(predictions.c.time))).one()
        dropped = connection.execute(select(func.sum(drops.c.count))).scalar() or 0
    return Counts(sum(by_version.values()), by_version, first, last, int(dropped))


def read_window(engine: Engine, count: int, version: str | None = None) -> Window:
    """Read the newest `count` predictions.

    Of one model version or of all.
    """
    with engine.connect() as connection:
        return _window(connection, count, version)


def read_alarms(engine: Engine, count: int) -> list[Alarm]:
    """Read the newest `count` alarms, the newest first."""
    columns = [column for column in alarms.c if column.name != "id"]
    with engine.connect() as connection:
        rows = connection.execute(select(*columns).order_by(alarms.c.id.desc()).limit(count))
        return [Alarm(**row) for row in rows.mappings()]


def _window(connection: Connection, count: int, version: str | None) -> Window:
    named = and_(feedback.c.request_id == predictions.c.request_id, feedback.c.image_index == predictions.c.image_index)
    wanted = select(predictions, feedback.c.class_name.label("truth")).join_from(
        predictions, feedback, named, isouter=True
    )
    if version is not None:
        wanted = wanted.where(predictions.c.version == version)
    rows = list(reversed(connection.execute(wanted.order_by(predictions.c.id.desc()).limit(count)).mappings().all()))
    shares = [np.frombuffer(row["probabilities"], "<f2").astype(np.float64) for row in rows]
    classes = {len(row) for row in shares}
    statistics = [[row[name] for name in ("brightness", "contrast", "sharpness")] for row in rows]
    return Window(
        time=np.array([row["time"] for row in rows], np.float64),
        request=np.array([f"{row['request_id']} {row['image_index']}" for row in rows], np.str_),
        arm=np.array([row["arm"] for row in rows], np.str_),
        answer=np.array([row["class_name"] for row in rows], np.str_),
        truth=np.array([row["truth"] or "" for row in rows], np.str_),
        confidence=np.array([row["confidence"] for row in rows], np.float64),
        latency_s=np.array([row["latency_s"] for row in rows], np.float64),
        statistics=np.array(statistics, np.float64).reshape(-1, 3),
        # versions may differ in their number of classes: then there is no one array
        probabilities=_normalised(np.array(shares)) if len(classes) == 1 else np.empty((len(rows), 0)),
    )


def _normalised(shares: Numbers) -> Numbers:
    """Undo the rounding to float16."""
    result: Numbers = shares / shares.sum(axis=1, keepdims=True)
    return result
