"""What every command of a user does anew, and the processes of the tests do once; nothing else is different."""

import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

LATENCY_RUNS = 10
"""How often a test calls an exported model to measure its latency: a user's 200 and 10,000 calls take seconds."""


def keep_migrations() -> None:
    """Run the scripts of Optuna's and MLflow's schema versions once.

    Alembic runs them up to three times as a store is opened: 0.18 s of CPU time for a new study, 0.04 s without.
    """
    from alembic.util import pyfiles

    load = pyfiles.load_module_py
    kept = cache(load)

    def load_module(name: str, path: str) -> ModuleType:
        return load(name, path) if name == "env_py" else kept(name, path)  # env.py migrates as it is run

    pyfiles.load_module_py = load_module


def quicken_exports() -> None:
    """Measure latencies in few calls, and keep torch's table of ONNX operators.

    torch makes it for each export, from the sources of 500 functions: 0.7 s.
    """
    from hpo.training.export import costs, latency
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    latency._RUNS = costs._CALLS = LATENCY_RUNS
    ONNXRegistry.from_torchlib = staticmethod(cache(ONNXRegistry.from_torchlib))  # type: ignore[method-assign, assignment]


def rehearse_export() -> None:
    """Export a small network: the first export of a process takes four seconds longer than the others."""
    import torch
    from hpo.training.export.classifier import Classifier
    from hpo.training.export.onnx_file import write_onnx
    from hpo.training.export.program import capture, save_program
    from hpo.training.models.build import build_model
    from hpo.training.models.config import SimpleCnn
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # or its first bar would start a thread, which a fork does not have
    config = SimpleCnn(width=4)
    classifier = Classifier(build_model(config, num_classes=2, in_channels=1, image_size=8), (0.5,), (0.5,))
    program = capture(classifier, config, torch.zeros(1, 1, 8, 8, dtype=torch.uint8))
    with tempfile.TemporaryDirectory() as folder:
        save_program(program, Path(folder) / "model.pt2")
        torch.export.load(Path(folder) / "model.pt2")
        write_onnx(program, Path(folder) / "model.onnx", config, {})
