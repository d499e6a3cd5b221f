"""Extraction of image files from request bodies.

A form, JSON with base64, or one bare file.
"""

import json
import re
from collections.abc import Iterator

from .base64_text import from_base64
from .json_size import check_size
from .problems import RefusedError

MAX_IMAGES = 64  # in one request: two batches by default; images.py limits their pixels
_PARTS = 2 * MAX_IMAGES  # of a form, images and other fields
_PARAMETERS = 20  # of a Content-Type
_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))\s*')  # RFC 9110, 5.6.6
_BOUNDARY = re.compile(r"[ -~]{1,70}")  # RFC 2046, 5.1.1
KINDS = "multipart/form-data, application/json, or image/*"


def image_files(content_type: str, body: bytes) -> list[bytes]:
    """Extract the image files of `body`, at least one.

    Raises:
        RefusedError: 415 another kind of body, 400 it is broken, 413 too many images, 422 none.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        files = list(_form(content_type, body))
    elif kind == "application/json":
        files = _json(body)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        files = [body]
    else:
        raise RefusedError(415, f"the body must be {KINDS}, got {content_type[:100] or 'no Content-Type'}")
    if not files:
        raise RefusedError(422, "there must be at least one image file in the request")
    if len(files) > MAX_IMAGES:
        raise RefusedError(413, f"at most {MAX_IMAGES} images in one request, got {len(files)}")
    return files


def _form(content_type: str, body: bytes) -> Iterator[bytes]:
    """Yield the files of a form (RFC 7578).

    Whatever its fields are called; other fields are passed over.
    """
    boundary = _parameter(content_type, "boundary")
    if not _BOUNDARY.fullmatch(boundary):
        raise RefusedError(400, "multipart/form-data needs a boundary of 1 to 70 ASCII characters")
    # with a limit: a body of separators alone would become millions of parts
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode(), _PARTS)
    if len(parts) == _PARTS:
        raise RefusedError(413, f"at most {MAX_IMAGES} images in one request")
    if not parts or not parts[-1].startswith(b"--"):
        raise RefusedError(400, "the form is cut short: its closing boundary is missing")
    for part in parts[:-1]:
        head, separator, content = part.partition(b"\r\n\r\n")
        if not separator:
            raise RefusedError(400, "the form is broken: a part has no headers")
        if b"filename" in head.lower():
            yield content


def _parameter(content_type: str, wanted: str) -> str:
    """Return a parameter of a Content-Type, "" where there is none.

    It is read once from left to right.
    """
    end = content_type.find(";")
    for _ in range(_PARAMETERS):
        match = _PARAMETER.match(content_type, end) if end >= 0 else None
        if match is None:
            break
        name, quoted, plain = match.groups()
        if name.lower() == wanted:
            return re.sub(r"\\(.)", r"\1", quoted) if plain is None else str(plain)
        end = match.end()
    return ""


def _json(body: bytes) -> list[bytes]:
    # before parsing: lists of nothing take many times their bytes
    check_size(body)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, f"the body is not JSON: {str(error)[:100]}") from error
    images = value.get("images") if isinstance(value, dict) else None
    if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
        raise RefusedError(422, 'JSON must be {"images": ["<base64>", ...]}')
    if len(images) > MAX_IMAGES:
        raise RefusedError(413, f"at most {MAX_IMAGES} images in one request, got {len(images)}")
    return [_decoded(image, f"images[{index}]") for index, image in enumerate(images)]


def _decoded(text: str, label: str) -> bytes:
    try:
        return from_base64(text)
    except ValueError as error:
        raise RefusedError(422, f"{label}: {error}") from error
