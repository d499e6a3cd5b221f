"""The format `safetensors`: weights as plain tensors, which cannot hold code.

model.safetensors and config.json.
"""

import json
from pathlib import Path

from ...config import TrialConfig
from ..format_kind import Runtime, Source
from .pt2 import torch_runtime
from .registry import register_format

_FILE, _CONFIG = "model.safetensors", "config.json"


@register_format("safetensors")
class Tensors:
    """Weights by name with the configuration of their model.

    For whoever trains on.
    """

    files = (_FILE, _CONFIG)
    extra = None
    needs_torch = True
    exact = True
    must_pay = False
    may_run_code = False

    def write(self, source: Source) -> str:
        """Write the weights of model.pt2 and the metadata of model.onnx."""
        import torch
        from safetensors.torch import save_file

        from ..rebuild import facts, weights

        save_file(weights(source.folder), source.folder / _FILE, metadata={"format": "pt"})
        content = {"config": source.config.model_dump(mode="json"), "model": facts(source.folder)}
        (source.folder / _CONFIG).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        return f"weights and configuration, torch {torch.__version__}"

    def load(self, folder: Path, threads: int) -> Runtime:
        """Build the model from its source, with these weights."""
        from safetensors.torch import load_file

        from ..rebuild import rebuild

        content = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        config = TrialConfig.model_validate(content["config"])
        return torch_runtime(rebuild(config, content["model"], load_file(folder / _FILE)), threads)
