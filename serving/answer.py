"""One answer as JSON, the same wherever a model is asked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def prediction(shares: NDArray[np.float32], names: Sequence[str], top: int | None = None) -> dict[str, Any]:
    """The class, its confidence, and the probabilities of all classes or of the `top` likeliest.

    Args:
        shares: probabilities, float32 [classes].
        names: of the classes.
        top: how many classes are told.
    """
    best = int(shares.argmax())
    order = range(len(names)) if top is None else np.argsort(-shares, kind="stable")[:top].tolist()
    values = shares.tolist()
    chances = {names[place]: round(values[place], 6) for place in order}
    return {"class": names[best], "confidence": round(values[best], 6), "probabilities": chances}
