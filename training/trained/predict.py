"""Image files to classes, as a stream: however many there are, a few batches are in memory."""

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

_CHUNK = 8  # files that one thread decodes in turn
_THREADS = max(1, min(8, os.cpu_count() or 1))  # Pillow decodes and resizes without the GIL

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one file.

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
    """A prediction for each of `paths`, in their order; they are taken a few chunks ahead and no more.

    Args:
        model: what answers.
        paths: files, decoded as for training.
        batch_size: images per forward pass, at least 1.
    """
    seen = model.known.preprocessing
    decoded = (
        item
        for chunk in ahead(
            lambda files: _decode(files, seen.image_size, seen.channels), _chunks(paths), threads=_THREADS
        )
        for item in chunk
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd files; what matters about them becomes a reason
        while batch := list(islice(decoded, batch_size)):
            yield from _answer(model, batch)


def _chunks(paths: Iterable[Path]) -> Iterator[list[Path]]:
    rest = iter(paths)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _decode(paths: list[Path], size: int, channels: int) -> list[tuple[Path, Pixels | str]]:
    """Per file its pixels uint8 [size, size, channels], or why there are none."""
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
    """One forward pass over what could be read, between the errors of what could not."""
    images = [found for _, found in batch if not isinstance(found, str)]
    shares: Iterator[NDArray[np.float32]] = iter(model.probabilities(model.logits(np.stack(images))) if images else ())
    names = model.known.class_names
    for path, found in batch:
        if isinstance(found, str):
            yield Prediction(shown(str(path)), error=found)
            continue
        share = next(shares)
        best = int(share.argmax())
        if not np.isfinite(share).all():
            yield Prediction(shown(str(path)), error="the model's answer is no number")
            continue
        yield Prediction(shown(str(path)), names[best], float(share[best]), tuple(map(float, share)))
