"""Writing to a prediction log, a batch whole or not at all."""

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
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
_AT_ONCE = 128  # rows, a power of two: less than a millisecond
_TURN_S = 0.0005  # of sleep between statements: long enough for the answering thread to take the interpreter
_UNMEASURED = (None, None, None)

_TABLES = (predictions, thumbnails, alarms, drops)

Row = tuple[Any, ...]
"""What is written of a table's columns but `id`, in their order."""


@dataclass(slots=True)
class Batch:
    """The content of one transaction."""

    rows: list[Row] = field(default_factory=list)
    images: list[Row] = field(default_factory=list)
    raised: list[Alarm] = field(default_factory=list)
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class _Insert:
    """An insert in the driver's own words.

    SQLAlchemy takes as long to convert a row as SQLite to write it.
    """

    statement: str
    names: Sequence[str]
    positional: bool

    @classmethod
    def into(cls, table: Table, dialect: Dialect) -> "_Insert":
        names = [column.name for column in table.c if column.name != "id"]
        compiled: Any = insert(table).inline().compile(dialect=dialect, column_keys=names)
        return cls(str(compiled), names, compiled.positional)

    def execute(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write `rows`, many in one statement, with pauses for other threads.

        Each statement costs by itself, and after it another thread has its turn.

        On a busy core a thread that writes without a pause takes whole slices of some milliseconds from the one that
        answers requests.
        """
        if not self.positional:
            connection.exec_driver_sql(self.statement, [dict(zip(self.names, row, strict=True)) for row in rows])
            return
        into, _, placeholders = self.statement.partition(" VALUES ")
        start = 0
        while start < len(rows):
            remaining = len(rows) - start
            count = min(_AT_ONCE, 1 << (remaining.bit_length() - 1))  # few sizes: the driver keeps statements prepared
            values = tuple(chain.from_iterable(rows[start : start + count]))
            connection.exec_driver_sql(f"{into} VALUES {', '.join([placeholders] * count)}", values)
            start += count
            time.sleep(_TURN_S)


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
        raised = [tuple(asdict(alarm)[name] for name in self._inserts[alarms].names) for alarm in batch.raised]
        dropped = [(time.time(), batch.dropped)] if batch.dropped else []
        content = (batch.rows, batch.images, raised, dropped)
        with self._engine.begin() as connection:
            for table, rows in zip(_TABLES, content, strict=True):
                if rows:
                    self._inserts[table].execute(connection, rows)

    def prune(self, keep_days: float, keep_rows: int) -> None:
        """Remove predictions too old or too many; alarms stay.

        What is older than `keep_days`, and all but the newest `keep_rows` predictions.

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


def rows_of(batch: Sequence[Prediction], statistics: Mapping[int, Sequence[float]]) -> list[Row]:
    """Return one row of `predictions` for each of `batch`.

    Args:
        batch: at least one.
        statistics: brightness, contrast and sharpness of those that were looked at, by their place in `batch`.
    """
    # float16: three digits are enough to compare distributions, in half the bytes
    halves = np.concatenate([prediction.probabilities for prediction in batch]).astype("<f2").tobytes()
    rows: list[Row] = []
    start = 0
    for index, prediction in enumerate(batch):
        end = start + 2 * len(prediction.probabilities)
        rows.append(
            (
                prediction.time,
                prediction.request_id,
                prediction.index,
                prediction.arm,
                prediction.shadow,
                prediction.model_version,
                prediction.class_name,
                prediction.confidence,
                prediction.latency_s,
                *statistics.get(index, _UNMEASURED),
                halves[start:end],
            )
        )
        start = end
    return rows


def thumbnail(prediction: Prediction) -> Row:
    """Return the model's input as a row of `thumbnails`."""
    # [C, H, W] -> [H, W, C]; grey is [H, W] to Pillow
    pixels = prediction.image.transpose(1, 2, 0)
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)).save(content, "PNG")
    return prediction.time, prediction.request_id, prediction.index, content.getvalue()


def statistics_of(batch: Sequence[Prediction]) -> Numbers:
    """Return brightness, contrast and sharpness of each image, [N, 3].

    The images may differ in size.
    """
    statistics = np.empty((len(batch), 3))
    for shape in {prediction.image.shape for prediction in batch}:
        alike = [index for index, prediction in enumerate(batch) if prediction.image.shape == shape]
        for start in range(0, len(alike), _IMAGES_AT_ONCE):
            rows = alike[start : start + _IMAGES_AT_ONCE]
            statistics[rows] = np.stack(input_statistics(np.stack([batch[index].image for index in rows])), axis=1)
    return statistics
