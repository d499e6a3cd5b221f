"""An evaluation that `keep.py` beside this file wrote, as reports read it. No torch."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from ...common.bounded import JSON_BYTES, read_bytes
from ..export.names import EVALUATION, EVALUATION_JSON, EVALUATION_PICTURES

PICTURE_BYTES = 2 * 2**20
"""Mistakes of colour images of 224 pixels take half of it; a page holds them as text, a third larger."""

_PNG = b"\x89PNG\r\n\x1a\n"


class KeptMistake(BaseModel, frozen=True):
    """An image that was answered wrong."""

    name: str
    true: str
    answered: str
    confidence: float


class KeptEvaluation(BaseModel, frozen=True):
    """What evaluation.json says of a model on labelled images; the rest of it is not read."""

    title: str
    images: int
    accuracy: float
    interval: tuple[float, float]
    macro_f1: float
    ece: float
    test_opening: int | None
    mistakes: tuple[KeptMistake, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An evaluation, and the picture of its most confident mistakes as PNG, b"" where there is none."""

    report: KeptEvaluation
    mistakes_png: bytes

    @property
    def mistakes_uri(self) -> str:
        """The picture as a data: URI."""
        return "data:image/png;base64," + base64.b64encode(self.mistakes_png).decode()

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the evaluation in `folder`; None where it is none of ours."""
        try:
            report = KeptEvaluation.model_validate_json(read_bytes(folder / EVALUATION_JSON, JSON_BYTES))
        except (OSError, ValidationError):
            return None
        try:
            picture = read_bytes(folder / EVALUATION_PICTURES[2], PICTURE_BYTES)
        except OSError:
            picture = b""
        return cls(report, picture if picture.startswith(_PNG) else b"")


def kept_evaluations(model: Path) -> Iterator[Kept]:
    """Yield the evaluations beside the model in the folder `model`, by their folders' names."""
    folder = model / EVALUATION
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (kept := Kept.read(path)) is not None:
            yield kept
