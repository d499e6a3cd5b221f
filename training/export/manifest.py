"""manifest.json: the facts about an export that its files do not hold.

No torch: servers read this.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Self

from pydantic import Field, field_validator

from ...common.bounded import JSON_BYTES, WEIGHTS_BYTES, open_regular, read_bytes
from ...common.manifest import DescribedFile, Manifest, ManifestPart, parse_manifest
from ...errors import ExportError
from ..config import TrialConfig
from ..data.preprocessing import Preprocessing
from ..metrics.calibration import Calibration
from ..saved_config import SavedConfig
from . import names
from .format_report import FormatReport, Verified
from .gap import Gap
from .race import Race

MANIFEST = "manifest.json"
_ALWAYS_THERE = {"model_version", "config_hash", "class_names", "files"}  # in the manifest of any version of ours
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini", "__pycache__"}  # of programs that looked into the folder


# Strict about its keys: a manifest of another version must not be read as this one.
class ExportedFile(DescribedFile, frozen=True, extra="forbid"):
    """A file of the export, by its content."""

    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Describe the file at `path`."""
        with open_regular(path, WEIGHTS_BYTES) as file:
            return cls(sha256=hashlib.file_digest(file, "sha256").hexdigest(), size_bytes=path.stat().st_size)


class Training(ManifestPart, frozen=True, extra="forbid"):
    """How the weights came to be."""

    fit_on: str = Field(description="The splits trained on.")
    images: int
    epochs: int = Field(description="Epochs trained.")
    schedule_epochs: int = Field(description="Length of the learning-rate schedule; more than epochs if cut short.")
    device: str
    seconds: float


class Selection(ManifestPart, frozen=True, extra="forbid"):
    """The number that a trial was chosen by.

    It is of the trial's own weights, trained on the training images alone: the exported ones have learned the
    validation images, too.
    """

    metric: str
    at: str = Field(description="Which of the trial's epochs counted.")
    value: float
    epoch: int = Field(description="The last epoch that counted; the exported weights are trained as long.")
    race: Race | None = Field(
        default=None, description="What fresh seeds made of it and of the next best; None: they were not asked."
    )


class Metrics(ManifestPart, frozen=True, extra="forbid"):
    """Metrics of the exported model.

    Accuracies in [0, 1], losses in nats. `val_*` are the trial's at the epoch of `selection`, before the retraining.
    """

    val_accuracy: float | None
    val_interval: tuple[float, float] | None = Field(default=None, description="Wilson, 95 %, of val_accuracy.")
    val_loss: float | None
    test_accuracy: float
    test_interval: tuple[float, float] = Field(description="Wilson, 95 %.")
    test_loss: float
    test_images: int
    test_opening: int = Field(description="Which opening of the study's test split; above 1 the number is less honest.")


class ExportManifest(Manifest, frozen=True, extra="forbid"):
    """The whole manifest."""

    created: str = Field(description="ISO 8601, with a time zone.")
    config: SavedConfig
    config_hash: str
    params: dict[str, Any] = Field(description="The trial's parameters by dotted key.")
    data_fingerprint: str
    data_source: str
    preprocessing: Preprocessing
    training: Training
    metrics: Metrics
    selection: Selection | None = Field(
        default=None, description="None for a training of `hpo train`, and where another length was asked for."
    )
    gap: Gap | None = Field(default=None, description="Where validation and test differ by more than chance.")
    calibration: Calibration | None = Field(default=None, description="How it was fitted; None: it was not.")
    opset: int
    onnx: Verified
    program: Verified
    formats: dict[str, FormatReport] = Field(default={}, description="Each format with what was measured of it.")
    failed_formats: dict[str, str] = Field(default={}, description="Formats that could not be made, and why.")
    versions: dict[str, str]
    files: dict[str, ExportedFile]

    @field_validator("files")
    @classmethod
    def _lie_in_the_folder(cls, files: dict[str, ExportedFile]) -> dict[str, ExportedFile]:
        for name in files:
            if name.startswith("/") or ".." in PurePosixPath(name).parts:
                raise ValueError(f"must be files of the export, got {name!r}")
        return files

    def write(self, folder: Path) -> None:
        """Write manifest.json into `folder`."""
        (folder / MANIFEST).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def check_files(self, folder: Path) -> None:
        """Compare every file of the export in `folder` with its SHA-256.

        Raises:
            ExportError: one is missing or another.
        """
        for name in self.files:
            self.check_file(folder, name)

    def check_file(self, folder: Path, name: str) -> None:
        """Compare an export's file with its size and SHA-256.

        The file `name` in `folder`.

        Raises:
            OtherFileError: it is not described, missing, or another.
        """
        described, path = self.files.get(name), folder / name
        if described is None:
            raise OtherFileError(f"{folder / MANIFEST}: describes no file {name} of the export")
        try:
            # note: what has another size need not be read
            same = path.stat().st_size == described.size_bytes and ExportedFile.of(path) == described
        except OSError as error:
            raise OtherFileError(f"{path}: {MANIFEST} describes it, but {error.strerror}") from error
        if not same:
            raise OtherFileError(f"{path}: is not the file that {MANIFEST} describes (another SHA-256)")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the manifest of the export in `folder`.

        Raises:
            ExportError: there is none, or it is not one of ours.
        """
        return cls.parse(manifest_bytes(folder), folder / MANIFEST)

    @classmethod
    def parse(cls, content: bytes, path: Path) -> Self:
        """Return the manifest with `content`, which is at `path`.

        Raises:
            ExportError: it is not one of ours.
        """
        try:
            return parse_manifest(cls, content)
        except ValueError as error:
            raise ExportError(f"{path}: {error}") from error


class OtherFileError(ExportError):
    """An export's file that the manifest does not describe so."""

    exit_code = 2


def manifest_bytes(folder: Path) -> bytes:
    """Return the content of manifest.json in `folder`.

    Raises:
        ExportError: there is none, or it is not a regular file of a size that manifests have.
    """
    try:
        return read_bytes(folder / MANIFEST, JSON_BYTES)
    except OSError as error:
        raise ExportError(f"{folder / MANIFEST}: cannot be read: {error.strerror}") from error


def config_hash(config: TrialConfig) -> str:
    """Return the first 16 digits of the SHA-256 of a configuration's JSON."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]


def describe_files(folder: Path) -> Mapping[str, ExportedFile]:
    """Describe every file below `folder` but the manifest, by its path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {str(path.relative_to(folder)): ExportedFile.of(path) for path in paths}


def other_files(folder: Path) -> list[str]:
    """Return the files below `folder` that are not of an export.

    By their paths in it; all files where it has no manifest.

    Only a folder without such files is ever replaced.
    """
    try:
        manifest = json.loads(read_bytes(folder / MANIFEST, JSON_BYTES))
        own_files = set(manifest["files"]) if manifest.keys() >= _ALWAYS_THERE else None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        own_files = None
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    names = sorted(path.relative_to(folder).as_posix() for path in paths)
    return [name for name in names if own_files is None or not _is_ours(PurePosixPath(name), own_files)]


def _is_ours(path: PurePosixPath, described: set[str]) -> bool:
    if str(path) in described or str(path) == MANIFEST or _LITTER & {*path.parts}:
        return True
    return path.parts[0] == names.EVALUATION and len(path.parts) == 3 and path.name in names.EVALUATION_FILES
