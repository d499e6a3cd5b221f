"""One answer as JSON, for HTTP and MLflow alike."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def prediction(shares: NDArray[np.float32], names: Sequence[str], top: int | None = None) -> dict[str, Any]:
    """Return class, confidence and probabilities of one answer.

        The probabilities of all classes, or of the `top` likeliest.

        Args:
            shares: probabilities, float32 [classes].
            names: of the classes.
    top: how many classes are given; None: all.
    """
    best = int(shares.argmax())
    # stable: classes alike in probability keep their order, so an answer is the same every time
    order = range(len(names)) if top is None else np.argsort(-shares, kind="stable")[:top].tolist()
    values = shares.tolist()
    chances = {names[index]: round(values[index], 6) for index in order}  # six digits: what float32 holds
    return {"class": names[best], "confidence": round(values[best], 6), "probabilities": chances}
