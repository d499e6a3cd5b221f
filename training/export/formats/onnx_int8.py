"""The format `onnx-int8`: a quarter of the size, quantised statically.

Calibrated on validation images, the best of a few recipes.

Weights and activations become integers of 8 bits with a scale (Jacob et al. 2018, arXiv:1712.05877, section 2.1): one
scale per output channel for weights, one per tensor for activations. Which range of the activations is best kept, and
whether this processor adds up products of full 8-bit weights without saturation, differs by model and machine; so a few
recipes are tried, and the one whose probabilities are nearest to the model's own is kept.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import log_softmax

from ...data.pack import Split
from ...data.preprocessing import INPUT
from ..format_kind import Logits, Pixels, Runtime, Source
from ..names import ONNX
from ..pixels import as_input, sample
from .onnx import onnx_runtime, runtime_version
from .registry import register_format

_FILE = "model.int8.onnx"
_CALIBRATION_IMAGES = 256  # more fix the ranges of activations better, and take longer
_JUDGED_ON = 256  # images of the other half, by which the recipes are compared
_BATCH = 16  # images per forward pass: calibration keeps all activations of a batch


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to quantise.

    `method` is how ranges of activations are found, `arguments` are further ones of `quantize_static`.
    """

    name: str
    method: str = "MinMax"
    arguments: Mapping[str, Any] = field(default_factory=dict)


RECIPES = (
    Recipe("min-max"),
    # two products of unsigned and signed 8-bit numbers may not fit in the 16 bits in which AVX2 adds them
    Recipe("min-max, weights of 7 bits", arguments={"reduce_range": True}),
    Recipe(
        "percentile 99.99, weights of 7 bits",
        method="Percentile",
        arguments={"reduce_range": True, "extra_options": {"CalibPercentile": 99.99}},
    ),
)


@register_format("onnx-int8")
class OnnxInt8:
    """The model in 8-bit integers."""

    files = (_FILE,)
    extra = None
    needs_torch = False
    exact = False
    must_pay = True
    may_run_code = False

    def write(self, source: Source) -> str:
        """Try every recipe, keep the most faithful."""
        calibration_split, judging_split = halves(source.calibration)
        judged = as_input(sample(judging_split, _JUDGED_ON))
        wanted = _in_batches(onnx_runtime(source.folder / ONNX), judged)
        with tempfile.TemporaryDirectory(prefix="hpo-int8-") as scratch:
            prepared = _prepared(source.folder / ONNX, Path(scratch))
            tried = {}
            for number, recipe in enumerate(RECIPES):
                path = Path(scratch) / f"{number}.onnx"
                _quantise(prepared, path, recipe, sample(calibration_split, _CALIBRATION_IMAGES))
                tried[divergence(wanted, _in_batches(onnx_runtime(path), judged))] = (recipe, path)
            least = min(tried)
            recipe, path = tried[least]
            (source.folder / _FILE).write_bytes(_with_metadata(path, source.folder / ONNX))
        images = min(len(calibration_split), _CALIBRATION_IMAGES)
        return f"{recipe.name}, per channel, {images} validation images, best of {len(RECIPES)}, {runtime_version()}"

    def load(self, folder: Path, threads: int) -> Runtime:
        """Load it in ONNX Runtime."""
        return onnx_runtime(folder / _FILE, threads)


def halves(split: Split) -> tuple[Split, Split]:
    """Split `split` into images to calibrate on and images to judge by.

    Every other image each; one alone is used for both.
    """
    even, odd = slice(0, None, 2), slice(1 if len(split) > 1 else 0, None, 2)
    first, second = (Split(split.images[rows], split.labels[rows], split.index[rows]) for rows in (even, odd))
    return first, second


def divergence(wanted: Logits, logits: Logits) -> float:
    """Return the mean Kullback-Leibler divergence, in nats, of answers.

    Of the probabilities of `logits` from those of `wanted`, both [N, classes]. Infinite where `logits` has values that
    are no numbers.
    """
    if not np.isfinite(logits).all():
        return float("inf")
    p, q = log_softmax(wanted.astype(np.float64), axis=1), log_softmax(logits.astype(np.float64), axis=1)
    return float((np.exp(p) * (p - q)).sum(axis=1).mean())


def _prepared(model: Path, folder: Path) -> Path:
    """Infer the model's shapes and fold its constant parts.

    Batch norms into convolutions, for example.
    """
    from onnxruntime.quantization.shape_inference import quant_pre_process

    path = folder / "prepared.onnx"
    quant_pre_process(str(model), str(path), skip_symbolic_shape=True)
    return path


def _quantise(model: Path, target: Path, recipe: Recipe, images: Split) -> None:
    from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_static

    reader: Any = _Images(images)  # it asks for no more than `get_next`
    quantize_static(
        str(model),
        str(target),
        reader,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,  # unsigned by signed: the pair that the 8-bit instructions of x86 multiply
        calibrate_method=CalibrationMethod[recipe.method],
        **recipe.arguments,
    )


class _Images:
    """Images for ONNX Runtime's calibration, in batches of one size.

    Its percentiles fail on a smaller last batch.
    """

    def __init__(self, split: Split) -> None:
        whole = len(split) // _BATCH * _BATCH or len(split)
        self._batches = _batches(as_input(split)[:whole])

    def get_next(self) -> dict[str, Pixels] | None:
        """Return the next batch; None after the last."""
        return next(({INPUT: batch} for batch in self._batches), None)


def _batches(images: Pixels) -> Iterator[Pixels]:
    return (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))


def _in_batches(run: Runtime, images: Pixels) -> Logits:
    return np.concatenate([run(batch) for batch in _batches(images)])


def _with_metadata(path: Path, original: Path) -> bytes:
    """Return the quantised model with the original's metadata.

    The quantiser drops it.
    """
    import onnx

    model = onnx.load(path)
    metadata = {entry.key: entry.value for entry in onnx.load(original).metadata_props}
    onnx.helper.set_model_props(model, metadata)
    content: bytes = model.SerializeToString()
    return content
