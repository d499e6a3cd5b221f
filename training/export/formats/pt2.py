"""The format `pt2`: model.pt2 in PyTorch.

It is written by ../program.py, before any other format.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ..format_kind import Pixels, Runtime
from ..names import PROGRAM
from .registry import register_format

if TYPE_CHECKING:
    import torch

    from ..format_kind import Logits


@register_format("pt2")
class Program:
    """A torch.export program, which PyTorch runs without the model's source."""

    files = (PROGRAM,)
    extra = None
    needs_torch = True
    exact = True
    must_pay = False
    may_run_code = True

    def load(self, folder: Path, threads: int) -> Runtime:
        """Load it in PyTorch."""
        import torch

        return torch_runtime(torch.export.load(folder / PROGRAM).module(), threads)


def torch_runtime(module: "torch.nn.Module", threads: int) -> Runtime:
    """Return a runtime of a module on `threads` threads.

    As many as before after each call.
    """
    import torch

    @torch.no_grad()
    def run(images: Pixels) -> "Logits":
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            logits: Logits = module(torch.from_numpy(images)).numpy()
        finally:
            torch.set_num_threads(before)
        return logits

    return run
