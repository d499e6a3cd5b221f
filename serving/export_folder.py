"""An export folder as serving reads it.

What serving needs of manifest.json, and a model.onnx that is the one described.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..common.bounded import JSON_BYTES, WEIGHTS_BYTES, read_bytes
from ..errors import ServeError

MANIFEST, MODEL = "manifest.json", "model.onnx"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)  # a manifest says more than is needed


class DescribedFile(_Part):
    """A file described by its SHA-256."""

    sha256: str


class Preprocessing(_Part):
    """The size and channels of a model's input images."""

    image_size: int = Field(ge=1, le=4096)
    channels: Literal[1, 3]


class Manifest(_Part):
    """The part of manifest.json that serving needs.

    `temperature` divides the logits (Guo et al. 2017, section 4.2).
    """

    study: str
    trial: int | None  # None for a run of `hpo train`
    model_version: str
    class_names: tuple[str, ...] = Field(min_length=2)
    preprocessing: Preprocessing
    files: dict[str, DescribedFile]
    temperature: float = Field(default=1.0, gt=0)


@dataclass(frozen=True, slots=True)
class Export:
    """An export read whole, checked against its manifest.

    The bytes of its model are those its manifest describes.
    """

    folder: Path
    manifest: Manifest
    onnx: bytes


Mark = tuple[tuple[int, int, int], ...]


def read_export(folder: Path) -> Export:
    """Read the export in `folder`, checked by its SHA-256.

    Raises:
        ServeError: it is missing, not an export of ours, or its model is not the one described.
    """
    manifest = read_manifest(folder)
    content = _content(folder / MODEL)
    described = manifest.files.get(MODEL)
    if described is None:
        raise ServeError(f"{folder / MANIFEST}: describes no {MODEL}; export again with `hpo retrain-best`")
    if hashlib.sha256(content).hexdigest() != described.sha256:
        raise ServeError(f"{folder / MODEL}: is not the file that {MANIFEST} describes (another SHA-256)")
    return Export(folder, manifest, content)


def mark(folder: Path) -> Mark | None:
    """Return a mark that changes with the folder, without reading it.

    None where it is no export at present.
    """
    try:
        states = [(folder / name).stat() for name in (MANIFEST, MODEL)]
    except OSError:
        return None
    # the inode tells a replaced folder whose files have the same time and size
    return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in states)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of the export in `folder`.

    Raises:
        ServeError: it is missing, or not one of ours.
    """
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(_content(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ServeError(f"{path}: not a manifest of an export: {key}: {first['msg']}") from error


def _content(path: Path) -> bytes:
    try:
        return read_bytes(path, WEIGHTS_BYTES if path.name == MODEL else JSON_BYTES)
    except OSError as error:
        raise ServeError(f"{path}: cannot be read: {error.strerror}; `hpo retrain-best` makes an export") from error
