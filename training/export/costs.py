"""The costs of a configuration's model, known before it is trained: parameters, ONNX file, latency."""

import hashlib
import json
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from ..config import TrialConfig
from ..data.pack import Pack
from ..machine.measured import measured_once, processor
from ..machine.seeding import seeded
from ..metric_names import COSTS
from ..models.build import build_model
from ..models.config import CustomModel
from ..models.meta import build_on_meta
from ..models.source import source_digest
from .classifier import Classifier
from .export import onnx_metadata
from .format_kind import Pixels
from .formats.onnx import onnx_runtime
from .latency import call_times
from .names import ONNX
from .onnx_file import write_onnx
from .onnx_graph import graph_digest
from .pixels import as_input, sample
from .program import capture

_OF_PARAMETERS = "params_m"
_FASTEST = 0.1
_CALLS = 10_000
"""At most: of a small network, beside two busy cores, 200 calls in 10 ms were 1.6 times as slow as a rule, 3,000 hardly
ever."""
_SHAPED_BY = ("torch", "onnx", "onnxscript", "onnxruntime")  # packages that decide on the file and its speed


def measure_cost(name: str, config: TrialConfig, pack: Pack) -> float:
    """Measure one of COSTS of the model of `config`, on images like those of `pack`.

    The file is that of freshly drawn weights, in float32 as `retrain-best` writes it. It is measured once for each
    architecture, on each machine, and kept beside the packs: models that differ in dropout alone, which is in no file,
    have the same costs. A latency is that of the fastest tenth of the calls in a second, with an image on one thread,
    as whatever else the machine does makes the others longer.

    Raises:
        TrainingError: the model cannot be built.
        ExportError: it cannot be exported.
    """
    if name == _OF_PARAMETERS:
        return _parameters(config, pack) / 1e6
    return measured_once(_kept(pack, _what_decides(config, pack)), lambda: _of_file(config, pack), _checked, dict)[name]


def _parameters(config: TrialConfig, pack: Pack) -> int:
    shape = {"num_classes": len(pack.class_names), "in_channels": pack.channels, "image_size": pack.image_size}
    return sum(parameter.numel() for parameter in build_on_meta(config.model, **shape).parameters())


def _of_file(config: TrialConfig, pack: Pack) -> dict[str, float]:
    """Write the ONNX file of the untrained model; return its size and its latency."""
    with seeded(config.seed, 0, torch.device("cpu")):
        shape = {"num_classes": len(pack.class_names), "in_channels": pack.channels, "image_size": pack.image_size}
        classifier = Classifier(build_model(config.model, **shape), pack.mean, pack.std)
    image = as_input(sample(pack.train_and_val, 1))
    program = capture(classifier, config.model, torch.from_numpy(image))
    with tempfile.TemporaryDirectory(prefix=".costs-", dir=pack.path.parent) as scratch:
        file = Path(scratch) / ONNX
        write_onnx(program, file, config.model, onnx_metadata(pack, config, "", 1.0))
        return measured_once(_kept(pack, [graph_digest(file)]), lambda: _measured(file, image), _checked, dict)


def _measured(file: Path, image: Pixels) -> dict[str, float]:
    times = call_times({ONNX: onnx_runtime(file)}, image, most=_CALLS)[ONNX]
    return {"onnx_mb": file.stat().st_size / 1e6, "onnx_latency_ms": 1e3 * float(np.quantile(times, _FASTEST))}


def _checked(kept: object) -> dict[str, float]:
    if not isinstance(kept, dict) or not all(isinstance(kept.get(name), float) for name in COSTS[1:]):
        raise ValueError("no costs")
    return kept


def _what_decides(config: TrialConfig, pack: Pack) -> list[object]:
    """Return all that a configuration's model depends on."""
    source = source_digest(config.model.name) if isinstance(config.model, CustomModel) else ""
    return [config.model.model_dump(), source, len(pack.class_names), pack.channels, pack.image_size]


def _kept(pack: Pack, what_decides: list[object]) -> Path:
    """Return where the costs are kept of what these decide, on this processor and with these packages."""
    parts = [*what_decides, processor(), [version(name) for name in _SHAPED_BY]]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
    return pack.path.parent / "costs" / f"{digest}.json"
