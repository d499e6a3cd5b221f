"""A check that an ONNX model holds its weights itself.

It is made on the bytes, before any runtime reads them.

A tensor of a model may say that its values lie in another file, at any path: ONNX Runtime before 1.24 reads whatever is
named there, and every version follows hard links. Our exports never do, so a model that does is refused. No library is
asked (the server has no `onnx`): the wire format is walked here, at most `_MOST_FIELDS` fields of it.
Field numbers are those of onnx.proto (IR version 13), wire types those of protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator
from pathlib import Path

from ..errors import ExportError

# five million are walked in eight seconds (one core of a two-core machine); a model of a thousand layers has far fewer
_MOST_FIELDS = 5_000_000
_MOST_BYTES = 2 * 2**30  # what protobuf reads at most
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of TensorProto

# message -> field -> the message in it; fields that lead to no tensor are passed over whole
_CHILDREN = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}


def read_onnx(path: Path) -> bytes:
    """Read the ONNX file at `path`, at most 2 GiB.

    It holds its weights itself.

    Raises:
        ExportError: it cannot be read, is larger, or as of `check_own_weights`.
    """
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            raise ExportError(f"{path}: must be a file of at most {_MOST_BYTES // 2**30} GiB")
        content = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        check_own_weights(content)
    except ExportError as error:
        raise ExportError(f"{path}: {error}") from error
    return content


def check_own_weights(model: bytes) -> None:
    """Refuse an ONNX model with values outside its own bytes.

    `model` is the content of the file.

    Raises:
        ExportError: a tensor's values lie in another file, or this is no ONNX model.
    """
    try:
        external = _names_other_files(memoryview(model))
    except (IndexError, ValueError) as error:
        raise ExportError(f"this is no ONNX model: {error}") from error
    if external:
        raise ExportError("the model's weights must lie in the ONNX file itself, and it names another file for them")


def _names_other_files(model: memoryview) -> bool:
    pending, fields_left = [("Model", model)], _MOST_FIELDS
    while pending:
        message, content = pending.pop()
        for field, value in _fields(content):
            fields_left -= 1
            if not fields_left:
                raise ValueError(f"it must have at most {_MOST_FIELDS:,} parts")
            if message == "Tensor" and (field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value != 0)):
                return True
            child = _CHILDREN[message].get(field)
            if child and isinstance(value, memoryview):
                pending.append((child, value))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yield number and value of each protobuf field in `message`.

    The value is a view of a field with a length, the number in a varint, 0 for a fixed width.
    """
    position = 0
    while position < len(message):
        # a tag is the field's number shifted by three bits, and the wire type in those
        tag, position = _varint(message, position)
        kind, value, end = tag & 7, 0, position
        if kind == _VARINT:
            value, end = _varint(message, position)
        elif kind == _BYTES:
            length, position = _varint(message, position)
            end = position + length
        elif kind in (_FIXED32, _FIXED64):
            end = position + (4 if kind == _FIXED32 else 8)
        else:
            raise ValueError(f"its fields cannot be read (wire type {kind})")
        if end > len(message):
            raise ValueError("it ends in the middle of a field")
        yield tag >> 3, message[position:end] if kind == _BYTES else value
        position = end


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Read the number at `at`; return it and where it ends.

    At most ten bytes of seven bits each.
    """
    number = 0
    for shift in range(0, 70, 7):
        # past the end this is an IndexError, which `check_own_weights` tells as a broken model
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at
    raise ValueError("a number in it is longer than ten bytes")
