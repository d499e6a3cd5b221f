"""The answers to the test images, kept beside an export."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpo.errors import ExportError
from hpo.training.export.export_folder import ExportFolder
from hpo.training.export.manifest import ExportedFile, ExportManifest
from hpo.training.export.names import PREDICTIONS
from hpo.training.export.predictions import Predictions

Export = Callable[[Callable[[Path], object]], ExportFolder]
KEPT = Predictions(np.array([0, 1, 1, 0, 1, 1, 0, 0, 1]), np.array([0, 1, 0, 0, 1, 1, 1, 0, 1]))


@pytest.fixture
def export(whole: dict[str, Any], tmp_path: Path) -> Export:
    """A function that makes an export of two classes and nine test images, with the predictions that it is to write."""

    def make(write: Callable[[Path], object]) -> ExportFolder:
        write(tmp_path / PREDICTIONS)
        manifest = ExportManifest.model_validate(whole)
        manifest.model_copy(update={"files": {PREDICTIONS: ExportedFile.of(tmp_path / PREDICTIONS)}}).write(tmp_path)
        return ExportFolder.open(tmp_path)

    return make


def test_they_come_back_as_they_were(export: Export) -> None:
    read = Predictions.of(export(KEPT.save))
    assert read is not None
    assert (read.labels.tolist(), read.answered.tolist()) == (KEPT.labels.tolist(), KEPT.answered.tolist())
    assert read.right.sum() == 7
    assert read.confusion(2).tolist() == [[3, 1], [1, 4]]


def test_an_export_of_a_version_before_has_none(whole: dict[str, Any], tmp_path: Path) -> None:
    ExportManifest.model_validate(whole).write(tmp_path)
    assert Predictions.of(ExportFolder.open(tmp_path)) is None


def test_others_than_the_manifest_describes_are_refused(export: Export) -> None:
    folder = export(KEPT.save)
    Predictions(KEPT.labels, KEPT.labels).save(folder.path / PREDICTIONS)
    with pytest.raises(ExportError, match=r"is not the file that manifest\.json describes"):
        Predictions.of(folder)


@pytest.mark.parametrize(
    ("labels", "answered"),
    [
        (np.zeros(8, np.int32), np.zeros(8, np.int32)),  # fewer than the test images
        (np.zeros(9, np.int32), np.zeros(8, np.int32)),
        (np.zeros(9, np.int32), np.full(9, 2, np.int32)),  # a class that there is not
        (np.zeros(9, np.int32), np.full(9, -1, np.int32)),
        (np.zeros((9, 1), np.int32), np.zeros(9, np.int32)),
        (np.zeros(9, np.float32), np.zeros(9, np.int32)),
        (np.zeros(0, np.int32), np.zeros(0, np.int32)),
        (np.array([{}] * 9), np.zeros(9, np.int32)),  # a pickle
    ],
)
def test_what_is_no_answer_is_refused(export: Export, labels: np.ndarray[Any, Any], answered: Any) -> None:
    def write(path: Path) -> None:
        np.savez(path, labels=labels, answered=answered)

    with pytest.raises(ExportError, match=r"predictions\.npz: .*damaged"):
        Predictions.of(export(write))


@pytest.mark.parametrize("content", [b"", b"PK torn", b"\0" * 100])
def test_a_damaged_file_is_refused(export: Export, content: bytes) -> None:
    with pytest.raises(ExportError, match=r"predictions\.npz: no predictions of ours, or damaged"):
        Predictions.of(export(lambda path: path.write_bytes(content)))
