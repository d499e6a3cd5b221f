"""The format `onnx-fp16`: half the size.

Images and logits keep their types, all between is float16.
"""

from pathlib import Path

from ....common.onnx_weights import read_onnx
from ..format_kind import Runtime, Source
from ..names import ONNX
from .onnx import onnx_runtime, runtime_version
from .registry import register_format

_FILE = "model.fp16.onnx"


@register_format("onnx-fp16")
class OnnxHalf:
    """The model in float16, for GPUs and phones.

    Most CPUs compute it in float32 all the same, with casts.
    """

    files = (_FILE,)
    extra = None
    needs_torch = False
    exact = False
    must_pay = False
    may_run_code = False

    def write(self, source: Source) -> str:
        """Convert by ONNX Runtime, leaving float32 what float16 cannot express."""
        import onnx
        from onnxruntime.transformers.float16 import convert_float_to_float16

        original = onnx.load_model_from_string(read_onnx(source.folder / ONNX))
        model = convert_float_to_float16(original, keep_io_types=True)
        onnx.save(model, source.folder / _FILE)
        return f"float16 inside, {runtime_version()}"

    def load(self, folder: Path, threads: int) -> Runtime:
        """Load it in ONNX Runtime."""
        return onnx_runtime(folder / _FILE, threads)
