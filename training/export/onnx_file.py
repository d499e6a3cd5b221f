"""model.onnx: the model for any runtime, in one file.

What its user must know is in its metadata.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch.export import ExportedProgram

from ...errors import ExportError
from ..data.preprocessing import INPUT
from ..models.config import ModelConfig
from .program import in_words
from .quiet import quiet

OUTPUT = "logits"


def write_onnx(program: ExportedProgram, path: Path, config: ModelConfig, metadata: Mapping[str, str]) -> int:
    """Write `program` as ONNX; return the opset version.

    `metadata` becomes its metadata_props; the batch axis is called `batch`.

    Returns:
        The opset version.

    Raises:
        ExportError: an operator has no translation to ONNX.
    """
    try:
        with quiet():
            exported = torch.onnx.export(
                program,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes={INPUT: {0: "batch"}},
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # the exporter wraps whatever a translation raises
        raise ExportError(f"model {config.name}: cannot be written as ONNX\n  {in_words(error, config)}") from error
    assert exported is not None  # None is the answer of the old exporter alone
    model = exported.model
    for node in model.graph.all_nodes():
        node.metadata_props.clear()  # stack traces with the paths of this machine, half the size of a small model
    model.metadata_props.update(metadata)
    exported.save(path, external_data=False)  # external_data: one file, whatever its size
    return int(model.opset_imports[""])
