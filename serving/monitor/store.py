"""Writes to a prediction log: a batch at a time, whole or not at all."""

import io
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import Engine, delete, func, insert, select

from ..prediction import Prediction
from ..statistics import input_statistics
from .alarm import Alarm
from .features import Numbers
from .schema import alarms, drops, feedback, predictions, thumbnails

_DAY_S = 86_400


@dataclass(slots=True)
class Batch:
    """What is written in one transaction."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    raised: list[Alarm] = field(default_factory=list)
    dropped: int = 0


class Store:
    """The writing end of a log."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(self, batch: Batch) -> None:
        """Write all of `batch`.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: nothing of it was written: the disk is full, the database is locked or gone.
        """
        dropped = [{"time": time.time(), "count": batch.dropped}] if batch.dropped else []
        content = {
            predictions: batch.rows,
            thumbnails: batch.images,
            alarms: [asdict(alarm) for alarm in batch.raised],
            drops: dropped,
        }
        with self._engine.begin() as connection:
            for table, rows in content.items():
                if rows:
                    connection.execute(insert(table), rows)

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


def row(prediction: Prediction, statistics: Numbers) -> dict[str, Any]:
    """One prediction as a row of its table; `statistics` [3]."""
    brightness, contrast, sharpness = (float(value) for value in statistics)
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
    shapes = {prediction.image.shape for prediction in batch}
    found = np.empty((len(batch), 3))
    for shape in shapes:
        rows = [place for place, prediction in enumerate(batch) if prediction.image.shape == shape]
        found[rows] = np.stack(input_statistics(np.stack([batch[place].image for place in rows])), axis=1)
    return found
