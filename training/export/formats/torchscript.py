"""The format `torchscript`: for C++ programs on libtorch.

model.torchscript.pt, while PyTorch still reads it.
"""

from pathlib import Path

from ..format_kind import Runtime, Source
from ..quiet import quiet
from .pt2 import torch_runtime
from .registry import register_format

_FILE = "model.torchscript.pt"
_BATCH = 2  # a trace of one image could take the batch size for a constant


@register_format("torchscript")
class TorchScript:
    """A trace of the model.

    It needs the model's source to be made, and not to be run.
    """

    files = (_FILE,)
    extra = None
    needs_torch = True
    exact = True
    must_pay = False
    may_run_code = True

    def write(self, source: Source) -> str:
        """Trace the model.

        A model whose graph depends on the batch size shows when the file is run again.
        """
        import torch

        from ..rebuild import facts, rebuild, weights

        metadata = facts(source.folder)
        classifier = rebuild(source.config, metadata, weights(source.folder))
        side = metadata["image_size"]
        example = torch.zeros(_BATCH, metadata["channels"], side, side, dtype=torch.uint8)
        with quiet(), torch.no_grad():  # PyTorch warns that TorchScript is on its way out
            # not checked here: the file is run again and compared (verify.py)
            traced = torch.jit.trace(classifier, (example,), check_trace=False)  # type: ignore[no-untyped-call]
            torch.jit.save(traced, source.folder / _FILE)
        return f"traced, torch {torch.__version__}"

    def load(self, folder: Path, threads: int) -> Runtime:
        """Load it in PyTorch."""
        import torch

        with quiet():
            module = torch.jit.load(folder / _FILE)  # type: ignore[no-untyped-call]
        return torch_runtime(module, threads)
