"""Predictions for image files, as a stream.

However many files there are, only a few batches are in memory.
"""

import os
import stat
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...common.decode import UnreadableImageError, decode
from ..data.ahead import ahead
from ..data.sources.base import shown
from .model import TrainedModel

_CHUNK = 8  # files that one thread decodes in turn: more cost fewer hand-overs, and memory
# Pillow decodes and resizes without the GIL; at most 8, since each holds a chunk of decoded images in memory
_THREADS = max(1, min(8, os.cpu_count() or 1))

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction of a model for one file.

    `class_name` is the likeliest class and `confidence` its calibrated probability; `probabilities` are those of all
    classes, in the model's order. Where the file cannot be read as an image, `error` says why, `class_name` is empty,
    and there are no probabilities.
    """

    path: str
    class_name: str = ""
    confidence: float = 0.0
    probabilities: tuple[float, ...] = ()
    error: str = ""


def predict_files(model: TrainedModel, paths: Iterable[Path], batch_size: int) -> Iterator[Prediction]:
    """Yield a prediction for each of `paths`, in their order.

    Files are read a few chunks ahead and no more.

    Args:
        model: the trained model.
        paths: files, decoded as for training.
        batch_size: images per forward pass, at least 1.
    """
    preprocessing = model.trained.preprocessing
    decoded = (
        item
        for chunk in ahead(
            lambda files: _decode(files, preprocessing.image_size, preprocessing.channels),
            _chunks(paths),
            threads=_THREADS,
        )
        for item in chunk
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd files; what matters about them becomes a reason
        while batch := list(islice(decoded, batch_size)):
            yield from _answer(model, batch)


def _chunks(paths: Iterable[Path]) -> Iterator[list[Path]]:
    remaining = iter(paths)
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk


def _decode(paths: list[Path], size: int, channels: int) -> list[tuple[Path, Pixels | str]]:
    """Decode files to pixels uint8 [size, size, channels], or to reasons.

    A reason says why a file has no pixels.
    """
    return [(path, _pixels(path, size, channels)) for path in paths]


def _pixels(path: Path, size: int, channels: int) -> Pixels | str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would never end
            return "a folder or a device, not a file"
        return decode(path, size, channels)
    except UnreadableImageError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)


def _answer(model: TrainedModel, batch: list[tuple[Path, Pixels | str]]) -> Iterator[Prediction]:
    """Yield predictions of the decoded files, and errors of the others.

    In the order of `batch`, with one forward pass.
    """
    images = [pixels for _, pixels in batch if not isinstance(pixels, str)]
    probabilities: Iterator[NDArray[np.float32]] = iter(
        model.probabilities(model.logits(np.stack(images))) if images else ()
    )
    names = model.trained.class_names
    for path, pixels in batch:
        if isinstance(pixels, str):
            yield Prediction(shown(str(path)), error=pixels)
            continue
        of_image = next(probabilities)  # [classes]
        best = int(of_image.argmax())
        if not np.isfinite(of_image).all():
            yield Prediction(shown(str(path)), error="the model's answer is no number")
            continue
        yield Prediction(shown(str(path)), names[best], float(of_image[best]), tuple(map(float, of_image)))
