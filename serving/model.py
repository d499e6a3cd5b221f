"""A model that can be served: loaded, tried and measured once.

It is loaded from checked bytes.
"""

import time
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ..common.manifest import Manifest
from ..common.onnx_weights import check_own_weights
from ..errors import ServeError
from .export_folder import Export

Images = NDArray[np.uint8]

_ENOUGH = 1.05  # a batch size that is within 5 % of the best time per image is as good as the best
_LONGEST_S = 0.25  # no larger batch is tried once one took so long: others would wait for it
_TRIES = 3  # of each batch size, of which the quickest counts: others can only make it slower
_QUICK_S = 0.00025  # an image; to hand it to another thread and its answer back costs as much
_QUICK_BATCH = 8  # eight images of _QUICK_S keep the event loop for 2 ms at most


class Answers(NamedTuple):
    """Logits and calibrated probabilities, both float32 [N, classes]."""

    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]


class Speed(NamedTuple):
    """The best batch size of a model, and its seconds per image.

    `batch` is the number of images that it is best given at once, `image_s` the seconds one of them takes.
    """

    batch: int
    image_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """An ONNX model with its manifest."""

    manifest: Manifest
    session: onnxruntime.InferenceSession
    speed: Speed

    @classmethod
    def load(cls, export: Export, *, threads: int, max_batch: int) -> Self:
        """Load the model of `export` and try it on images of noise.

        It has answered them with finite numbers of the right shape.

        Raises:
            ServeError: its weights lie in other files, ONNX Runtime cannot load or run it, or its answers do not fit
                its manifest.
        """
        session = _session(export, threads)
        model = cls(export.manifest, session, Speed(1, float("inf")))
        noise = np.random.default_rng(0).integers(0, 256, (max_batch, *model.shape), np.uint8)
        try:
            logits = model.answer(noise[:2]).logits
        except Exception as error:  # ONNX Runtime has exceptions of its own
            raise ServeError(f"{export.folder}: the model cannot be run: {_first_line(error)}") from error
        expected = (len(noise[:2]), len(export.manifest.class_names))
        if logits.shape != expected:
            raise ServeError(f"{export.folder}: the model must give {expected} logits, got {logits.shape}")
        if not np.isfinite(logits).all():
            raise ServeError(f"{export.folder}: the model answers with NaN or infinity")
        return cls(export.manifest, session, _best_batch(model, noise))

    @classmethod
    def tried(cls, export: Export, speed: Speed, *, threads: int) -> Self:
        """Load the model of `export` again, with the `speed` found before.

        Raises:
            ServeError: ONNX Runtime cannot load or run it.
        """
        model = cls(export.manifest, _session(export, threads), speed)
        try:
            model.answer(np.zeros((speed.batch, *model.shape), np.uint8))  # else the first request would be slow
        except Exception as error:
            raise ServeError(f"{export.folder}: the model cannot be run: {_first_line(error)}") from error
        return model

    @property
    def batch(self) -> int:
        """Return the number of images that it is best given at once."""
        return self.speed.batch

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the shape of one input: channels, height, width."""
        preprocessing = self.manifest.preprocessing
        return preprocessing.channels, preprocessing.image_size, preprocessing.image_size

    @property
    def quick(self) -> bool:
        """Tell whether it had better answer on the event loop itself.

        Not on a thread of its own, then; its batches are short.
        """
        return self.speed.image_s <= _QUICK_S and self.batch <= _QUICK_BATCH

    def answer(self, images: Images) -> Answers:
        """Answer `images`, uint8 [N, channels, size, size]."""
        (output,) = self.session.run(None, {self.session.get_inputs()[0].name: images})
        logits = np.asarray(output, dtype=np.float32)
        return Answers(logits, probabilities(logits, self.manifest.temperature))


def probabilities(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return the softmax of logits [N, classes] divided by `temperature`."""
    # less the largest: exp of a large logit would overflow
    shifted = (logits - logits.max(axis=1, keepdims=True)) / np.float32(temperature)
    powers = np.exp(shifted)
    shares: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _session(export: Export, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; its warnings are about graphs, and tell a user nothing
    # note: threads that spin between requests take the cores on which requests are read and answered
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        check_own_weights(export.onnx)
        session = onnxruntime.InferenceSession(export.onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ServeError(f"{export.folder}: cannot load the model: {_first_line(error)}") from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1 or inputs[0].type != "tensor(uint8)":
        raise ServeError(f"{export.folder}: the model must take one tensor of uint8 images and give one of logits")
    return session


def _best_batch(model: Model, noise: Images) -> Speed:
    """Return the smallest near-best batch size and its speed.

    A power of two, at most len(noise), that answers an image about as fast as any does.

    For a quick model no larger batch is tried than the event loop can wait for.
    """
    per_image: dict[int, float] = {}
    size = 1
    while size <= len(noise):
        per_image[size] = min(_seconds(model, noise[:size]) for _ in range(_TRIES)) / size
        if per_image[size] * size > _LONGEST_S or (size == _QUICK_BATCH and per_image[size] <= _QUICK_S):
            break
        size *= 2
    best = min(per_image.values())
    return next(Speed(size, seconds) for size, seconds in per_image.items() if seconds <= best * _ENOUGH)


def _seconds(model: Model, images: Images) -> float:
    start = time.perf_counter()
    model.answer(images)
    return time.perf_counter() - start


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
