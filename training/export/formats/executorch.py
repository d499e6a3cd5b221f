"""The format `executorch`: model.int8.pte, for phones.

8-bit integers on XNNPACK, calibrated on validation images.

Quantised as a graph of PyTorch (PT2E): weights per channel and activations per tensor, both symmetric, as XNNPACK
computes them. A phone asks about one image at a time, and so does the file: its batch is always 1.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ....common.installation import Extra
from ..format_kind import Pixels, Runtime, Source
from ..names import PROGRAM
from ..pixels import as_input, sample
from ..quiet import quiet
from .registry import register_format

if TYPE_CHECKING:
    import torch

    from ..format_kind import Logits

_FILE = "model.int8.pte"
_CALIBRATION_IMAGES = 256  # more fix the ranges of activations better, and take longer


@register_format("executorch")
class ExecuTorch:
    """The model in 8-bit integers, for Android, iOS and Linux.

    For ExecuTorch's runtime.
    """

    files = (_FILE,)
    extra = Extra("mobile", "executorch")
    needs_torch = True
    exact = False
    must_pay = False
    may_run_code = True

    def write(self, source: Source) -> str:
        """Quantise model.pt2 and hand all that XNNPACK computes over to it."""
        import torch
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        with quiet():
            module = torch.export.load(source.folder / PROGRAM).module()
            images = _one_by_one(as_input(sample(source.calibration, _CALIBRATION_IMAGES)))
            integers = _quantised(torch.export.export(module, (images[0],)).module(), images)
            edge = to_edge_transform_and_lower(
                torch.export.export(integers, (images[0],)), partitioner=[XnnpackPartitioner()]
            )
            (source.folder / _FILE).write_bytes(edge.to_executorch().buffer)
        return f"int8 on XNNPACK, per channel, {len(images)} validation images, ExecuTorch {version('executorch')}"

    def load(self, folder: Path, threads: int) -> Runtime:
        """Load it in ExecuTorch's own runtime."""
        with quiet(), _silent():
            from executorch.extension.pybindings.portable_lib import _unsafe_reset_threadpool
            from executorch.runtime import Runtime as Engine

            _unsafe_reset_threadpool(threads)  # of the whole process, and meant for before a model runs
            method = Engine.get().load_program(folder / _FILE).load_method("forward")
        assert method is not None

        def run(images: Pixels) -> "Logits":
            # note: the runtime uses the memory of an answer again
            answers = [method.execute([image])[0].numpy().copy() for image in _one_by_one(images)]
            logits: Logits = np.concatenate(answers)
            return logits

        return run


def _one_by_one(images: Pixels) -> "list[torch.Tensor]":
    """Split [N, C, H, W] into N batches of one.

    With the strides that ExecuTorch asks for, also of dimensions of size one.
    """
    import torch

    rows = (torch.from_numpy(images[row : row + 1]) for row in range(len(images)))
    return [row.clone(memory_format=torch.contiguous_format) for row in rows]


def _quantised(module: "torch.fx.GraphModule", images: "list[torch.Tensor]") -> "torch.nn.Module":
    """Quantise `module` to integers, by the ranges it has on `images`."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    observed = prepare_pt2e(module, quantizer)
    for image in images:
        observed(image)
    with _no_search_for_training():
        integers: torch.nn.Module = convert_pt2e(observed)
    return integers


@contextmanager
def _no_search_for_training() -> Iterator[None]:
    """Keep torchao from looking for what only quantisation-aware training leaves in a graph.

    For a batch norm that follows no convolution it traces 108 patterns, ten seconds in which nothing can be found here.
    """
    from torchao.quantization.pt2e import quantize_pt2e

    fold = quantize_pt2e._fold_conv_bn_qat
    quantize_pt2e._fold_conv_bn_qat = lambda graph: graph
    try:
        yield
    finally:
        quantize_pt2e._fold_conv_bn_qat = fold


@contextmanager
def _silent() -> Iterator[None]:
    """Silence standard error of the C++ runtime.

    It reports files about a processor that only phones have.
    """
    stderr_copy = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr_copy, 2)
        os.close(stderr_copy)
