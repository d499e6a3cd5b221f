"""The format `onnx`: model.onnx in ONNX Runtime.

It is written by ../onnx_file.py, before any other format.
"""

from pathlib import Path

import numpy as np

from ....common.onnx_weights import read_onnx
from ...data.preprocessing import INPUT
from ..format_kind import Logits, Pixels, Runtime
from ..names import ONNX
from .registry import register_format


@register_format("onnx")
class Onnx:
    """The model in float32, for every runtime that reads ONNX."""

    files = (ONNX,)
    extra = None
    needs_torch = False
    exact = True
    must_pay = False
    may_run_code = False

    def load(self, folder: Path, threads: int) -> Runtime:
        """Load it in ONNX Runtime."""
        return onnx_runtime(folder / ONNX, threads)


def onnx_runtime(path: Path, threads: int = 1) -> Runtime:
    """Load the ONNX file at `path` in ONNX Runtime on the CPU.

    On `threads` threads.

    Raises:
        ExportError: it has weights in other files, or is no ONNX model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors and worse: warnings about optimisations help no user
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other formats are measured in turn
    session = onnxruntime.InferenceSession(read_onnx(path), options, providers=["CPUExecutionProvider"])

    def run(images: Pixels) -> Logits:
        return np.asarray(session.run(None, {INPUT: images})[0])

    return run


def runtime_version() -> str:
    """Return ONNX Runtime's version for reports.

    What a converted file is like depends on it.
    """
    from importlib.metadata import version

    return f"ONNX Runtime {version('onnxruntime')}"
