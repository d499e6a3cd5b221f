"""manifest.json: everything about an export that its files do not say themselves. No torch: servers read this."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...errors import ExportError
from ..config import TrialConfig
from ..evaluation.calibration import Calibration
from ..preprocessing import Preprocessing
from .format_report import FormatReport, Verified

MANIFEST = "manifest.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ExportedFile(_Part):
    """A file of the export, by its content."""

    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Describe the file at `path`."""
        with path.open("rb") as file:
            return cls(sha256=hashlib.file_digest(file, "sha256").hexdigest(), size_bytes=path.stat().st_size)


class Training(_Part):
    """How the weights came to be."""

    fit_on: str = Field(description="The splits trained on.")
    images: int
    epochs: int = Field(description="Epochs trained.")
    schedule_epochs: int = Field(description="Length of the learning-rate schedule; more than epochs if cut short.")
    device: str
    seconds: float


class Metrics(_Part):
    """Accuracies in [0, 1], losses in nats. `val_*` are the trial's, before the retraining."""

    val_accuracy: float | None
    val_loss: float | None
    test_accuracy: float
    test_interval: tuple[float, float] = Field(description="Wilson, 95 %.")
    test_loss: float
    test_images: int
    test_opening: int = Field(description="Which opening of the study's test split; above 1 the number is less honest.")


class ExportManifest(_Part):
    """The whole manifest."""

    format: int = Field(default=2, description="2: preprocessing.steps, and preprocess.py among the files.")
    study: str = Field(description="The study, or the folder's name of a run of `hpo train`.")
    trial: int | None = Field(description="None for a run of `hpo train`.")
    created: str = Field(description="ISO 8601, with a time zone.")
    model_version: str = Field(description="First 12 digits of the SHA-256 of the weights.")
    config: TrialConfig
    config_hash: str
    params: dict[str, Any] = Field(description="The trial's parameters by dotted key.")
    data_fingerprint: str
    data_source: str
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    training: Training
    metrics: Metrics
    temperature: float = Field(default=1.0, gt=0, description="The softmax of logits / temperature is calibrated.")
    calibration: Calibration | None = Field(default=None, description="How it was fitted; None: it was not.")
    opset: int
    onnx: Verified
    program: Verified
    formats: dict[str, FormatReport] = Field(default={}, description="Each format with what was measured of it.")
    failed_formats: dict[str, str] = Field(default={}, description="Formats that could not be made, and why.")
    versions: dict[str, str]
    files: dict[str, ExportedFile]

    def write(self, folder: Path) -> None:
        """Write manifest.json into `folder`."""
        (folder / MANIFEST).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def check_files(self, folder: Path) -> None:
        """Compare every file of the export in `folder` with its SHA-256.

        Raises:
            ExportError: one is missing or another.
        """
        for name, described in self.files.items():
            try:
                found = ExportedFile.of(folder / name)
            except OSError as error:
                raise ExportError(f"{folder / name}: {MANIFEST} describes it, but {error.strerror}") from error
            if found != described:
                raise ExportError(f"{folder / name}: is not the file that {MANIFEST} describes (another SHA-256)")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest of the export in `folder`.

        Raises:
            ExportError: there is none, or it is not one of ours.
        """
        path = folder / MANIFEST
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ExportError(f"{path}: cannot be read: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise ExportError(f"{path}: not a manifest of an export: {place}: {first['msg']}") from error


def config_hash(config: TrialConfig) -> str:
    """The first 16 digits of the SHA-256 of a configuration's JSON."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]


def describe_files(folder: Path) -> Mapping[str, ExportedFile]:
    """Every file below `folder` but the manifest, by its path in it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {str(path.relative_to(folder)): ExportedFile.of(path) for path in paths}
