"""manifest.json: what is written is valid under the schema in common/, and training and serving agree on it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hpo.common import manifest as common
from hpo.common.preprocess import STEPS
from hpo.errors import ExportError, HpoError, ServeError
from hpo.serving.export_folder import read_manifest
from hpo.training.export.manifest import ExportManifest
from hpo.training.export.manifest_schema import manifest_schema

SCHEMA = json.loads(Path(common.__file__).with_name("manifest.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def read_both(folder: Path, tree: Any) -> tuple[ExportManifest, common.Manifest]:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(tree))
    return ExportManifest.read(folder), read_manifest(folder)


def test_the_file_is_the_schema_of_what_is_written() -> None:
    assert manifest_schema() == SCHEMA, (
        "run: python -m hpo.training.export.manifest_schema > common/manifest.schema.json"
    )
    VALIDATOR.check_schema(SCHEMA)


def test_what_training_writes_is_valid_and_serving_reads_the_same_of_it(whole: dict[str, Any], tmp_path: Path) -> None:
    VALIDATOR.validate(whole)
    written, served = read_both(tmp_path, whole)
    assert whole["format"] == common.FORMAT
    for name in common.Manifest.model_fields:
        if name not in ("preprocessing", "files"):
            assert getattr(served, name) == getattr(written, name)
    assert served.preprocessing.model_dump().items() <= written.preprocessing.model_dump().items()
    assert served.files["model.onnx"].sha256 == written.files["model.onnx"].sha256


WRONG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "class_names": lambda tree: tree.update(class_names=["one"]),
    "temperature": lambda tree: tree.update(temperature=0.0),
    "study": lambda tree: tree.pop("study"),
    "trial": lambda tree: tree.update(trial="first"),
    "model_version": lambda tree: tree.update(model_version=None),
    "format": lambda tree: tree.update(format=0),
    "preprocessing.image_size": lambda tree: tree["preprocessing"].update(image_size=0),
    "preprocessing.channels": lambda tree: tree["preprocessing"].update(channels=2),
    "files.model.onnx.sha256": lambda tree: tree["files"]["model.onnx"].update(sha256="../x"),
}


@pytest.mark.parametrize("place", WRONG)
def test_what_is_wrong_is_refused_by_schema_training_and_serving_alike(
    whole: dict[str, Any], tmp_path: Path, place: str
) -> None:
    WRONG[place](whole)
    assert not VALIDATOR.is_valid(whole)
    told = refusals(tmp_path, whole)
    assert [type(error) for error in told] == [ExportError, ServeError]
    assert len({str(error) for error in told}) == 1
    assert str(told[0]).startswith(f"{tmp_path / 'manifest.json'}: not a manifest of an export: {place}: ")


@pytest.mark.parametrize("version", [3, 3.0, 10**30, "4"])
def test_a_newer_version_is_refused_in_words(whole: dict[str, Any], tmp_path: Path, version: Any) -> None:
    """Whatever else it says: its other fields may mean something else by then."""
    told = refusals(tmp_path, {"format": version, "class_names": 7, "of_the_future": {}})
    wanted = f"its format is {int(version)}, and this version of hpo reads 1 to 2; a newer hpo wrote it"
    assert {str(error) for error in told} == {f"{tmp_path / 'manifest.json'}: {wanted}"}


@pytest.mark.parametrize("content", ["", "[]", "null", '{"format": null}', "[" * 5000, '{"format": 1e999}', "\x00"])
def test_what_is_no_manifest_at_all_is_refused_in_three_lines(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    for read in (ExportManifest.read, read_manifest):
        with pytest.raises(HpoError) as raised:
            read(tmp_path)
        assert len(str(raised.value).splitlines()) <= 3


def test_a_manifest_of_format_1_is_still_read(whole: dict[str, Any], tmp_path: Path) -> None:
    whole["preprocessing"]["resize"] = whole["preprocessing"].pop("steps")[0]
    written, served = read_both(tmp_path, {**whole, "format": 1})
    assert (written.format, served.format) == (1, 1)
    assert written.preprocessing.steps == STEPS[:1]


def refusals(folder: Path, tree: Any) -> list[HpoError]:
    """How training and serving refuse `tree`."""
    (folder / "manifest.json").write_text(json.dumps(tree))
    told: list[HpoError] = []
    for read in (ExportManifest.read, read_manifest):
        with pytest.raises(HpoError) as raised:
            read(folder)
        told.append(raised.value)
    return told
