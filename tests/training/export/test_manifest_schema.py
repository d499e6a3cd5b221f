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
from hpo.training.config import TrialConfig
from hpo.training.data.preprocessing import Preprocessing
from hpo.training.export.format_report import FormatReport, Latency, Verified
from hpo.training.export.gap import Gap
from hpo.training.export.manifest import ExportedFile, ExportManifest, Metrics, Training
from hpo.training.export.manifest_schema import manifest_schema
from hpo.training.metrics.calibration import Calibration

SCHEMA = json.loads(Path(common.__file__).with_name("manifest.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture
def whole(small_config: Callable[..., TrialConfig]) -> dict[str, Any]:
    """A manifest as it is written, with every part that there may be."""
    verified = Verified(images=512, max_abs_diff=1e-6, top1_agreement=1.0, tolerance=1e-3)
    latency = Latency(batch=1, threads=1, p50_ms=0.1, p99_ms=0.2, runs=100)
    report = FormatReport(
        files=("model.onnx",), how="exported", needs_torch=False, size_bytes=10, agreement=verified,
        test_accuracy=0.9, latency=(latency,), promoted=True,
    )  # fmt: skip
    written = ExportManifest(
        study="digits", trial=1, created="2026-01-01T00:00:00+00:00", model_version="0123456789ab",
        config=small_config(), config_hash="0" * 16, params={"optimizer.lr": 0.1, "model.norm": None},
        data_fingerprint="f" * 16, data_source="digits", class_names=("a", "b"),
        preprocessing=Preprocessing(
            image_size=8, channels=1, color_mode="L", steps=STEPS, input="images", mean=(0.5,), std=(0.5,)
        ),
        training=Training(fit_on="train", images=9, epochs=2, schedule_epochs=2, device="cpu", seconds=0.1),
        metrics=Metrics(
            val_accuracy=0.9, val_interval=(0.8, 1.0), val_loss=0.1, test_accuracy=0.9, test_interval=(0.8, 1.0),
            test_loss=0.1, test_images=9, test_opening=1,
        ),
        gap=Gap(
            accuracy=(0.9, 0.8), images=(9, 9), chosen_among=3, probability=0.01, class_name="a",
            class_share=(0.5, 0.5), brightness=(0.5, 0.5), contrast=(0.1, 0.1), shared=0, nearly_shared=None,
        ),
        temperature=1.5,
        calibration=Calibration(
            temperature=1.5, weights="trial 1", images=9, nll_before=0.2, nll_after=0.1, ece_before=0.2, ece_after=0.1
        ),
        opset=20, onnx=verified, program=verified, formats={"onnx": report}, failed_formats={"pt2": "why"},
        versions={"hpo": "0.1.0"}, files={"model.onnx": ExportedFile(sha256="0" * 64, size_bytes=10)},
    )  # fmt: skip
    tree: dict[str, Any] = json.loads(written.model_dump_json())
    return tree


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
