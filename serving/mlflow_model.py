"""An export as an MLflow model with the answers of `hpo serve`.

`predict` takes image files or pixels.

The model in MLflow's registry holds model.onnx, manifest.json, and CODE, these files of the package, under a name of
their own: it is loaded where hpo is not installed. MLflow calls such a file a loader module (its documentation of
mlflow.pyfunc, "Filesystem format").
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.decode import UnreadableImageError, decode
from ..errors import DataError
from .answer import prediction
from .base64_text import from_base64
from .export_folder import read_export
from .model import Images, Model

CODE = (
    "common/bounded.py",
    "common/decode.py",
    "common/display.py",
    "errors.py",
    "common/image_limits.py",
    "common/manifest.py",
    "common/onnx_weights.py",
    "common/preprocess.py",
    "serving/__init__.py",
    "serving/answer.py",
    "serving/base64_text.py",
    "serving/export_folder.py",
    "serving/mlflow_model.py",
    "serving/model.py",
)
"""This file and all of the package that it imports."""

_BATCH = 32  # images that are decoded and in the model at once: the server's default --max-batch


def _load_pyfunc(path: str) -> "ImageModel":
    """Load the model of the export in the folder `path`.

    MLflow calls this.

    Raises:
        ServeError: it is not the one that its manifest describes, or cannot be run.
    """
    # note: 0 threads leaves their number to ONNX Runtime
    return ImageModel(Model.load(read_export(Path(path)), threads=0, max_batch=1))


class ImageModel:
    """A model behind the one method that MLflow knows."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def predict(self, data: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
        """Answer each image with class, confidence and probabilities.

        The probabilities are those of all classes.

        Args:
            data: one entry, as MLflow makes it of a DataFrame, an array, or JSON. Image files [N], as bytes or as the
                text of their base64; or pixels as decoded, whole numbers from 0 to 255,
                [N, channels, size, size] or [channels, size, size].

        Raises:
            DataError: something else, or a file that cannot be read; no image of the call is answered then.
        """
        (column,) = data.values()
        values = np.atleast_1d(column)
        batches = self._decoded(values) if values.ndim == 1 else self._pixels(values)
        names = self._model.manifest.class_names
        return [prediction(shares, names) for batch in batches for shares in self._model.answer(batch).probabilities]

    def _decoded(self, values: NDArray[Any]) -> Iterator[Images]:
        """Yield image files [N] decoded, a batch at a time."""
        channels, size, _ = self._model.shape
        for start in range(0, len(values), _BATCH):
            images = []
            for number, value in enumerate(values[start : start + _BATCH], start + 1):
                try:
                    images.append(decode(_content(value, values.dtype), size, channels))
                except UnreadableImageError as error:
                    raise DataError(f"image {number} of {len(values)}: {error}") from error
            # [n, size, size, channels] -> [n, channels, size, size]
            yield np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2))

    def _pixels(self, values: NDArray[Any]) -> Iterator[Images]:
        """Yield pixels, a batch at a time."""
        values = _numbers(values)
        shape = ", ".join(map(str, self._model.shape))
        if values.shape[-3:] != self._model.shape or values.ndim > 4:
            raise DataError(f"pixels must be [N, {shape}] or [{shape}], got {list(values.shape)}")
        if values.dtype.kind not in "iu" or values.min(initial=0) < 0 or values.max(initial=0) > 255:
            raise DataError(f"pixels must be whole numbers from 0 to 255 as decoded, got {_described(values)}")
        images = values.astype(np.uint8).reshape(-1, *self._model.shape)
        for start in range(0, len(images), _BATCH):
            yield images[start : start + _BATCH]


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers from JSON, which are Python's own, as an array."""
    try:
        return np.array(values.tolist()) if values.dtype == object else values
    except ValueError as error:
        raise DataError("pixels must not be ragged") from error


def _content(value: Any, kind: np.dtype[Any]) -> bytes:
    """Return the bytes of an image file."""
    if isinstance(value, bytes):
        return value.ljust(kind.itemsize, b"\0") if kind.kind == "S" else value  # numpy strips what ends in zeros
    if not isinstance(value, str):
        raise UnreadableImageError(f"must be the bytes of an image file or their base64, got {type(value).__name__}")
    try:
        return from_base64(value)
    except ValueError as error:
        raise UnreadableImageError(str(error)) from error


def _described(values: NDArray[Any]) -> str:
    if values.dtype.kind not in "iuf" or not values.size:
        return f"{values.dtype}"
    return f"{values.dtype} from {values.min():.9g} to {values.max():.9g}"
