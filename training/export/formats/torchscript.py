"""`torchscript`: model.torchscript.pt, for C++ programs on libtorch, while PyTorch still reads it."""

from pathlib import Path

from ..quiet import quiet
from .program import torch_runtime
from .registry import Runtime, Source, register_format

_FILE = "model.torchscript.pt"
_BATCH = 2


@register_format("torchscript")
class TorchScript:
    """A trace of the model; needs the model's source to be made, and not to be run."""

    files = (_FILE,)
    extra = None
    needs_torch = True
    exact = True
    must_pay = False
    may_run_code = True

    def write(self, source: Source) -> str:
        """Trace it; a model whose graph depends on the batch size shows when the file is run again."""
        import torch

        from .rebuild import facts, rebuild, weights

        known = facts(source.folder)
        classifier = rebuild(source.config, known, weights(source.folder))
        side = known["image_size"]
        example = torch.zeros(_BATCH, known["channels"], side, side, dtype=torch.uint8)
        with quiet(), torch.no_grad():  # PyTorch warns that TorchScript is on its way out
            traced = torch.jit.trace(classifier, (example,), check_trace=False)  # type: ignore[no-untyped-call]
            torch.jit.save(traced, source.folder / _FILE)
        return f"traced, torch {torch.__version__}"

    def load(self, folder: Path, threads: int) -> Runtime:
        """In PyTorch."""
        import torch

        with quiet():
            module = torch.jit.load(folder / _FILE)  # type: ignore[no-untyped-call]
        return torch_runtime(module, threads)
