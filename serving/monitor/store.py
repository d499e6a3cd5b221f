"""Writes to a prediction log: a batch at a time, whole or not at all."""

import io
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import Connection, Dialect, Engine, Table, delete, func, insert, select

from ..prediction import Prediction
from ..statistics import input_statistics
from .alarm import Alarm
from .features import Numbers
from .schema import alarms, drops, feedback, predictions, thumbnails

_DAY_S = 86_400
_IMAGES_AT_ONCE = 32  # small arrays stay in the processor's cache
_AT_ONCE = 256  # rows; a power of two
UNMEASURED = (None, None, None)
"""The statistics of an image that was not looked at."""

_TABLES = (predictions, thumbnails, alarms, drops)


@dataclass(slots=True)
class Batch:
    """What is written in one transaction."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    raised: list[Alarm] = field(default_factory=list)
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class _Insert:
    """An insert in the driver's own words: SQLAlchemy takes as long to convert a row as SQLite to write it."""

    statement: str
    names: Sequence[str] | None  # of a row's values in their order; None where the driver wants them by name

    @classmethod
    def into(cls, table: Table, dialect: Dialect) -> "_Insert":
        names = [column.name for column in table.c if column.name != "id"]
        compiled: Any = insert(table).inline().compile(dialect=dialect, column_keys=names)
        return cls(str(compiled), compiled.positiontup if compiled.positional else None)

    def execute(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Write `rows`; many in one statement, since a driver lets another thread have its turn after each."""
        if self.names is None:
            connection.exec_driver_sql(self.statement, list(rows))
            return
        into, _, one = self.statement.partition(" VALUES ")
        values, start = itemgetter(*self.names), 0
        while start < len(rows):
            left = len(rows) - start
            count = min(_AT_ONCE, 1 << (left.bit_length() - 1))  # few sizes: the driver keeps statements prepared
            given = tuple(chain.from_iterable(map(values, rows[start : start + count])))
            connection.exec_driver_sql(f"{into} VALUES {', '.join([one] * count)}", given)
            start += count


class Store:
    """The writing end of a log."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._inserts = {table: _Insert.into(table, engine.dialect) for table in _TABLES}

    def write(self, batch: Batch) -> None:
        """Write all of `batch`.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: nothing of it was written: the disk is full, the database is locked or gone.
        """
        dropped = [{"time": time.time(), "count": batch.dropped}] if batch.dropped else []
        content = (batch.rows, batch.images, [asdict(alarm) for alarm in batch.raised], dropped)
        with self._engine.begin() as connection:
            for table, rows in zip(_TABLES, content, strict=True):
                if rows:
                    self._inserts[table].execute(connection, rows)

    def prune(self, keep_days: float, keep_rows: int) -> None:
        """Remove what is older than `keep_days`, and all but the newest `keep_rows` predictions; alarms stay.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: as `write`.
        """
        oldest = time.time() - keep_days * _DAY_S
        with self._engine.begin() as connection:
            newest = connection.execute(select(func.max(predictions.c.id))).scalar() or 0
            connection.execute(
                delete(predictions).where((predictions.c.time < oldest) | (predictions.c.id <= newest - keep_rows))
            )
            for table in (thumbnails, feedback):
                connection.execute(delete(table).where(table.c.time < oldest))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def row(prediction: Prediction, statistics: Sequence[float | None]) -> dict[str, Any]:
    """One prediction as a row of its table; `statistics` its brightness, contrast and sharpness, or `UNMEASURED`."""
    brightness, contrast, sharpness = statistics
    return {
        "time": prediction.time,
        "request_id": prediction.request_id,
        "image_index": prediction.index,
        "arm": prediction.arm,
        "shadow": prediction.shadow,
        "version": prediction.model_version,
        "class_name": prediction.class_name,
        "confidence": prediction.confidence,
        "latency_s": prediction.latency_s,
        "brightness": brightness,
        "contrast": contrast,
        "sharpness": sharpness,
        "probabilities": prediction.probabilities.astype("<f2").tobytes(),
    }


def thumbnail(prediction: Prediction) -> dict[str, Any]:
    """What the model saw, as a row of `thumbnails`."""
    pixels = prediction.image.transpose(1, 2, 0)
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)).save(content, "PNG")
    name = {"time": prediction.time, "request_id": prediction.request_id, "image_index": prediction.index}
    return {**name, "png": content.getvalue()}


def statistics_of(batch: Sequence[Prediction]) -> Numbers:
    """Brightness, contrast and sharpness of each image, [N, 3]; the images may differ in size."""
    found = np.empty((len(batch), 3))
    for shape in {prediction.image.shape for prediction in batch}:
        alike = [place for place, prediction in enumerate(batch) if prediction.image.shape == shape]
        for start in range(0, len(alike), _IMAGES_AT_ONCE):
            places = alike[start : start + _IMAGES_AT_ONCE]
            found[places] = np.stack(input_statistics(np.stack([batch[place].image for place in places])), axis=1)
    return found
