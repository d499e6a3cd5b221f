"""Feedback: true labels that come later."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, delete, insert, select, tuple_

from .schema import feedback, predictions


@dataclass(frozen=True, slots=True)
class Truth:
    """The true class of one answered image.

    It is image `index` of request `request_id`.
    """

    request_id: str
    index: int
    class_name: str


def keep_feedback(engine: Engine, truths: Sequence[Truth]) -> int:
    """Keep true labels; later ones replace earlier ones.

    Returns:
        How many of them are of a prediction that the log holds.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: nothing was kept.
    """
    latest = {(truth.request_id, truth.index): truth for truth in truths}
    keys = list(latest)
    rows = [
        {"time": time.time(), "request_id": request, "image_index": index, "class_name": truth.class_name}
        for (request, index), truth in latest.items()
    ]
    if not rows:
        return 0
    with engine.begin() as connection:
        connection.execute(delete(feedback).where(tuple_(feedback.c.request_id, feedback.c.image_index).in_(keys)))
        connection.execute(insert(feedback), rows)
        named = tuple_(predictions.c.request_id, predictions.c.image_index)
        held = connection.execute(select(predictions.c.request_id, predictions.c.image_index).where(named.in_(keys)))
        return len({tuple(row) for row in held})
