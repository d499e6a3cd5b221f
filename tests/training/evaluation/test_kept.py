"""Evaluations as a report reads them: by anybody, from anywhere."""

import json
from pathlib import Path

import pytest
from hpo.training.evaluation import kept
from hpo.training.evaluation.kept import kept_evaluations
from hpo.training.export.names import EVALUATION, EVALUATION_JSON

from .test_page import report

PNG = b"\x89PNG\r\n\x1a\n the rest"


def write(model: Path, name: str, text: str, picture: bytes = PNG) -> Path:
    folder = model / EVALUATION / name
    folder.mkdir(parents=True)
    (folder / EVALUATION_JSON).write_text(text)
    (folder / "mistakes.png").write_bytes(picture)
    return folder


def test_what_an_evaluation_says_is_read(tmp_path: Path) -> None:
    written = report(4)
    write(tmp_path, "test", json.dumps(written.to_json()))
    (read,) = kept_evaluations(tmp_path)
    assert (read.report.title, read.report.accuracy) == (written.title, written.metrics.accuracy)
    assert [each.name for each in read.report.mistakes] == [each.name for each in written.mistakes]
    assert read.mistakes_uri.startswith("data:image/png;base64,iVBOR")


def test_a_model_without_evaluations_has_none(tmp_path: Path) -> None:
    assert list(kept_evaluations(tmp_path)) == []


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"title": 1}', "nonsense", '{"accuracy": NaN}'])
def test_what_is_none_of_ours_is_left_out(tmp_path: Path, text: str) -> None:
    write(tmp_path, "other", text)
    assert list(kept_evaluations(tmp_path)) == []


@pytest.mark.parametrize("picture", [b"", b"<svg onload='x'>", PNG + b"x" * 100])
def test_a_picture_that_is_none_or_too_large_is_left_out(
    tmp_path: Path, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PICTURE_BYTES", 50)
    write(tmp_path, "test", json.dumps(report(2).to_json()), picture)
    (read,) = kept_evaluations(tmp_path)
    assert read.mistakes_png == b""


def test_a_file_that_is_no_file_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / EVALUATION / "test"
    (folder / EVALUATION_JSON).mkdir(parents=True)
    assert list(kept_evaluations(tmp_path)) == []
