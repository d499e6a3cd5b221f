"""An export folder as serving reads it.

What serving needs of manifest.json, and a model.onnx that is the one described.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ..common.bounded import JSON_BYTES, WEIGHTS_BYTES, read_bytes
from ..common.manifest import Manifest, parse_manifest
from ..errors import ServeError

MANIFEST, MODEL = "manifest.json", "model.onnx"


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
        return parse_manifest(Manifest, _content(path))
    except ValueError as error:
        raise ServeError(f"{path}: {error}") from error


def _content(path: Path) -> bytes:
    try:
        return read_bytes(path, WEIGHTS_BYTES if path.name == MODEL else JSON_BYTES)
    except OSError as error:
        raise ServeError(f"{path}: cannot be read: {error.strerror}; `hpo retrain-best` makes an export") from error
