"""The requests that clients of a benchmark send, as bytes."""

import base64
import io
import json
from typing import Any

import numpy as np
from PIL import Image

SIZE = 32  # pixels a side of the image
FORM = "multipart/form-data; boundary=b"


def png(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """Write [size, size, channels] as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def image() -> bytes:
    """Make the file that every client sends."""
    return png(np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8))


def multipart(file: bytes) -> bytes:
    """Write the body of a form of the type `FORM`."""
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    return part + file + b"\r\n--b--\r\n"


def form(port: int) -> bytes:
    """Make a request with the image file in a form."""
    return request(port, "/predict", FORM, multipart(image()))


def in_json(port: int) -> bytes:
    """Make a request with the image file as base64 in JSON.

    MLflow's server takes nothing else.
    """
    body = json.dumps({"inputs": [base64.b64encode(image()).decode()]}).encode()
    return request(port, "/invocations", "application/json", body)


def request(port: int, path: str, kind: str, body: bytes) -> bytes:
    """Make an HTTP request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body
