"""model.pt2: the model as a torch.export program.

PyTorch runs it without the model's source.
"""

from pathlib import Path

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from ...errors import ExportError
from ..models.config import CustomModel, ModelConfig
from ..models.custom import describe_error
from ..models.source import split_name
from .classifier import Classifier
from .quiet import quiet

_EXAMPLE_BATCH = 2  # torch.export takes a batch of 1 for a constant
_LINE = 240  # characters of an exporter's words in an error: about two lines of a terminal
_HINTS = {  # short words for what torch.export says at length
    "specialized it to be a constant": "its code fixes the batch size; it must take [N, C, H, W] for any N",
    "data-dependent expression": "a branch here depends on the values of the images; use torch.where",
}


def capture(classifier: Classifier, config: ModelConfig, images: Tensor) -> ExportedProgram:
    """Capture the graph of `classifier` for any batch size.

    Args:
        classifier: on the CPU.
        config: of its model, for the words of an error.
        images: uint8 [N, C, H, W], N at least 1; gives the shape.

    Raises:
        ExportError: the model's code cannot be captured as a graph, for example because it branches on pixel values.
    """
    example = images[:1].repeat(_EXAMPLE_BATCH, 1, 1, 1)
    try:
        with quiet(), torch.no_grad():
            program = torch.export.export(classifier, (example,), dynamic_shapes={"images": {0: Dim("batch")}})
    except Exception as error:  # torch.export raises its own kinds, and whatever the model's code raises
        raise ExportError(f"model {config.name}: cannot be captured as a graph\n  {in_words(error, config)}") from error
    _remove_stack_traces(program)
    return program


def save_program(program: ExportedProgram, path: Path) -> None:
    """Write `program` to `path`; `torch.export.load(path).module()` runs it."""
    with quiet():
        torch.export.save(program, path)


def in_words(error: Exception, config: ModelConfig) -> str:
    """Return an exporter's error in one line.

    The position in the user's own file, else the root cause.
    """
    hint = next((words for sign, words in _HINTS.items() if sign in str(error)), "")
    if isinstance(config, CustomModel):
        path = split_name(config.name)[0]
        position, _, words = describe_error(error, path).partition(": ")
        if position != str(path):  # the error has a line in the user's file
            return f"{position}: {hint or words}"[:_LINE]
    if hint:
        return hint
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    lines = [line.strip() for line in str(root).splitlines() if line.strip()]
    return f"{type(root).__name__}: {' '.join(lines[:2])}"[:_LINE]


def _remove_stack_traces(program: ExportedProgram) -> None:
    """Remove the stack traces from the graph.

    They hold the paths of the machine it was made on.
    """
    for module in program.graph_module.modules():
        for node in getattr(module, "graph", program.graph).nodes:
            node.meta.pop("stack_trace", None)
