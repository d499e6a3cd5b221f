"""The graph of an ONNX file: what decides its size and speed, whatever its weights are."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx import AttributeProto, NodeProto, TensorProto

_WEIGHTS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)


def graph_digest(path: Path) -> str:
    """Return a digest of the graph of an ONNX file: operators, what they are applied to, their settings, all shapes.

    Of weights, floating-point numbers, the shapes alone count, and neither names nor metadata do. So two configurations
    whose models compute the same have the same: dropout, say, is not in the file.
    """
    model = onnx.load(path)
    graph = model.graph
    named = [each.name for each in (*graph.input, *graph.initializer)]
    named += [name for node in graph.node for name in node.output]
    places = {name: place for place, name in enumerate(named)}
    parts: list[object] = [sorted((each.domain, each.version) for each in model.opset_import)]
    parts += [each.type.SerializeToString(deterministic=True) for each in graph.input]
    parts += [_tensor(each) for each in graph.initializer]
    parts += [[*_node(each, places)] for each in graph.node]
    parts += [places[each.name] for each in graph.output]
    parts += [each.SerializeToString(deterministic=True) for each in model.functions]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def _node(node: NodeProto, places: dict[str, int]) -> Iterator[object]:
    yield node.domain
    yield node.op_type
    yield [places.get(name) for name in node.input]  # None for one that is left out
    yield [places[name] for name in node.output]
    for attribute in sorted(node.attribute, key=lambda each: each.name):
        yield attribute.name
        is_tensor = attribute.type == AttributeProto.TENSOR
        yield _tensor(attribute.t) if is_tensor else attribute.SerializeToString(deterministic=True)


def _tensor(tensor: TensorProto) -> tuple[object, ...]:
    values = b"" if tensor.data_type in _WEIGHTS else onnx.numpy_helper.to_array(tensor).tobytes()
    return tensor.data_type, tuple(tensor.dims), values
