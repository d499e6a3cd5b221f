"""Tensors of the Open Inference Protocol.

Numbers in JSON, or raw bytes behind it (binary tensor data).
"""

import json
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .json_size import TENSOR_LISTS, TENSOR_VALUES, check_size
from .model import Answers, Images
from .problems import RefusedError

INPUT = "images"
HEADER_LENGTH = "Inference-Header-Content-Length"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Input(_Part):
    name: str
    datatype: str
    shape: list[int] = Field(min_length=1, max_length=8)
    data: list[Any] | None = None
    parameters: dict[str, Any] = {}


class _Output(_Part):
    name: str
    parameters: dict[str, Any] = {}


class _Request(_Part):
    id: str = Field(default="", max_length=128)
    inputs: list[_Input]
    outputs: list[_Output] = []
    parameters: dict[str, Any] = {}


class InferRequest(NamedTuple):
    """The content of an infer request.

    Images uint8 [N, C, H, W], its id, and each wanted output with "as bytes".
    """

    id: str
    images: Images
    outputs: dict[str, bool]


def read(body: bytes, header_length: str | None, shape: tuple[int, int, int], most_images: int) -> InferRequest:
    """Read the tensors in the `body` of an infer request.

    Args:
        body: JSON, with raw tensors behind its first `header_length` bytes.
        header_length: the value of Inference-Header-Content-Length, if it was sent.
        shape: of one image.
        most_images: images, in one request.

    Raises:
        RefusedError: 400 it is not the protocol, or not what this model takes; 413 too many images or numbers.
    """
    length = len(body) if header_length is None else _length(header_length, len(body))
    text = body[:length]
    check_size(text, TENSOR_VALUES, TENSOR_LISTS)
    try:
        request = _Request.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise RefusedError(400, f"not an infer request: {key}: {first['msg']}") from error
    if [tensor.name for tensor in request.inputs] != [INPUT]:
        raise RefusedError(
            400, f"the one input is called {INPUT!r}, got {[tensor.name for tensor in request.inputs][:5]}"
        )
    as_bytes = bool(request.parameters.get("binary_data_output", False))
    outputs = {wanted.name: _as_bytes(wanted, as_bytes) for wanted in request.outputs}
    outputs = outputs or dict.fromkeys(Answers._fields, as_bytes)
    if unknown := set(outputs) - set(Answers._fields):
        raise RefusedError(400, f"no output {sorted(unknown)[0]!r}; choose from {', '.join(Answers._fields)}")
    return InferRequest(request.id, _images(request.inputs[0], body[length:], shape, most_images), outputs)


def write(answers: Answers, outputs: dict[str, bool], about: dict[str, str]) -> tuple[bytes, int | None]:
    """Write an infer response; return it and the length of its JSON.

    The length is None where no raw tensors follow; `about` names the model and request.
    """
    described, raw = [], b""
    for name, as_bytes in outputs.items():
        values: NDArray[np.float32] = getattr(answers, name)
        tensor: dict[str, Any] = {"name": name, "datatype": "FP32", "shape": list(values.shape)}
        if as_bytes:
            content = values.astype("<f4").tobytes()  # little-endian, row by row, as the protocol has it
            tensor["parameters"] = {"binary_data_size": len(content)}
            raw += content
        else:
            tensor["data"] = values.ravel().tolist()
        described.append(tensor)
    head = json.dumps({**about, "outputs": described}).encode()
    return head + raw, len(head) if raw else None


def _length(text: str, longest: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12 or int(text) > longest:
        raise RefusedError(400, f"{HEADER_LENGTH} must be the bytes of JSON, at most {longest}, got {text[:20]!r}")
    return int(text)


def _as_bytes(wanted: _Output, default: bool) -> bool:
    if wanted.parameters.get("classification"):
        raise RefusedError(400, "the classification extension is not spoken here; POST /predict gives classes")
    return bool(wanted.parameters.get("binary_data", default))


def _images(tensor: _Input, raw: bytes, shape: tuple[int, int, int], most: int) -> Images:
    if tensor.datatype != "UINT8":
        raise RefusedError(400, f"{INPUT} must be UINT8, pixels 0 to 255 as decoded, got {tensor.datatype[:20]!r}")
    if tuple(tensor.shape[1:]) != shape or tensor.shape[0] < 1:
        raise RefusedError(400, f"{INPUT} must be [N, {', '.join(map(str, shape))}], got {tensor.shape}")
    if tensor.shape[0] > most:
        raise RefusedError(413, f"at most {most} images in one request, got {tensor.shape[0]}")
    size = tensor.shape[0] * int(np.prod(shape))
    values = _raw(tensor, raw, size) if tensor.data is None else _numbers(tensor.data)
    if len(values) != size:
        raise RefusedError(400, f"a tensor of shape {tensor.shape} has {size} numbers, got {len(values)}")
    return values.reshape(tensor.shape)


def _raw(tensor: _Input, raw: bytes, size: int) -> Images:
    if tensor.parameters.get("binary_data_size") != size or len(raw) != size:
        raise RefusedError(
            400, f"{INPUT} needs `data`, or {size} raw bytes and binary_data_size {size}, got {len(raw)} bytes"
        )
    return np.frombuffer(raw, np.uint8)


def _numbers(data: list[Any]) -> Images:
    """Return whole numbers from 0 to 255 from nested or flat lists."""
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise RefusedError(400, f"{INPUT}.data is ragged") from error
    if values.dtype.kind not in "iu" or values.size == 0 or values.min() < 0 or values.max() > 255:
        raise RefusedError(400, f"{INPUT}.data must be whole numbers from 0 to 255")
    return values.astype(np.uint8).ravel()
