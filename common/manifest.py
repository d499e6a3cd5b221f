"""manifest.json of an export: what everyone who reads one relies on, whatever else it says. No torch.

Training writes a whole manifest (training/export/manifest.py), serving reads this part of it; manifest.schema.json
beside this file is the JSON Schema of the whole, for programs of others.
"""

import json
from collections.abc import Mapping
from typing import Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

FORMAT = 2
"""The version that is written; older ones are read."""

_Kind = TypeVar("_Kind", bound="Manifest")


class ManifestPart(BaseModel, frozen=True, extra="ignore", allow_inf_nan=False):
    """A part of a manifest, which may say more than whoever reads it needs."""


class DescribedFile(ManifestPart, frozen=True):
    """A file by its content."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ImageSize(ManifestPart, frozen=True):
    """What an image becomes before the model sees it: square, of so many channels."""

    image_size: int = Field(ge=1, le=4096, description="Side of the square images, in pixels.")
    channels: Literal[1, 3]


class Manifest(ManifestPart, frozen=True):
    """What it takes to run a model; `temperature` divides the logits (Guo et al. 2017, section 4.2)."""

    format: int = Field(
        default=FORMAT, ge=1, le=FORMAT, description="2: preprocessing.steps, and preprocess.py among the files."
    )
    study: str = Field(description="The study, or the folder's name of a training of `hpo train`.")
    trial: int | None = Field(description="None for a training of `hpo train`.")
    model_version: str = Field(description="First 12 digits of the SHA-256 of the weights.")
    class_names: tuple[str, ...] = Field(min_length=2)
    preprocessing: ImageSize
    temperature: float = Field(default=1.0, gt=0, description="The softmax of logits / temperature is calibrated.")
    files: Mapping[str, DescribedFile]


def parse_manifest(kind: type[_Kind], content: bytes) -> _Kind:
    """Return the manifest with `content` as a `kind`.

    Raises:
        ValueError: it is none, in one line: its version is not known yet, or what is wrong at which place.
    """
    if (version := _version(content)) > FORMAT:
        raise ValueError(f"its format is {version}, and this version of hpo reads 1 to {FORMAT}; a newer hpo wrote it")
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        location = ".".join(map(str, first["loc"]))
        raise ValueError(f"not a manifest of an export: {location}: {first['msg']}") from error


def _version(content: bytes) -> int:
    """The format that `content` says it has; the present one where it says nothing that can be understood."""
    try:
        return int(json.loads(content)["format"])
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return FORMAT
