"""Every registered format: made from a trained model, run again, tested in one opening, measured and judged."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from hpo.common.installation import Extra
from hpo.errors import SpaceError
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.export.classifier import Classifier
from hpo.training.export.export import export_model
from hpo.training.export.final_test import final_test
from hpo.training.export.format_kind import Source
from hpo.training.export.format_report import FormatReport, Latency, Verified, objection, time_ratio
from hpo.training.export.formats.onnx_int8 import divergence, halves
from hpo.training.export.formats.registry import FORMATS, choose_formats, register_format
from hpo.training.export.make_formats import Made, make_formats, report_formats


@dataclass(frozen=True)
class Exported:
    folder: Path
    made: list[Made]
    failed: dict[str, str]
    reports: dict[str, FormatReport]
    openings: int


@pytest.fixture(scope="module")
def exported(
    make_classifier: Callable[[TrialConfig], Classifier],
    small_config: Callable[..., TrialConfig],
    digits: Pack,
    tmp_path_factory: pytest.TempPathFactory,
) -> Exported:
    folder, place = tmp_path_factory.mktemp("export"), tmp_path_factory.mktemp("test")
    config = small_config()
    classifier = make_classifier(config)
    export_model(classifier, config, digits, folder)
    with pytest.MonkeyPatch.context() as patch:
        # ten seconds for what is only in models that were trained to be quantised; whoever calls it fails
        patch.setattr("torchao.quantization.pt2e.qat_utils._fold_conv_bn_qat_helper", None)
        made, failed = make_formats(FORMATS.names(), Source(folder, config, digits.val), digits, {})
    tested = final_test(
        classifier,
        digits,
        device="cpu",
        reason="a test",
        log=place / "log",
        kept=place / "test.json",
        witness=lambda split, logits: None,
        formats={one.key: one.run for one in made},
    )
    reports = report_formats(made, folder, digits, tested.formats, tested.accuracy, 2)
    return Exported(folder, made, failed, reports, len((place / "log").read_text().splitlines()))


def test_every_format_is_made_tested_in_one_opening_and_measured(exported: Exported) -> None:
    assert exported.failed == {}
    assert tuple(exported.reports) == FORMATS.names()
    assert exported.openings == 1
    for name, report in exported.reports.items():
        assert report.size_bytes == sum((exported.folder / file).stat().st_size for file in report.files)
        assert 0 <= report.test_accuracy <= 1
        assert [(one.batch, one.threads) for one in report.latency] == [(1, 1), (32, 1), (1, 2), (32, 2)]
        assert all(0 < one.p50_ms <= one.p99_ms for one in report.latency)
        assert report.agreement.top1_agreement > 0.9
        if FORMATS.find(name).exact:
            assert report.agreement.max_abs_diff <= report.agreement.tolerance


def test_all_onnx_files_are_self_contained_and_say_the_same_of_themselves(exported: Exported) -> None:
    models = {path.name: onnx.load(path, load_external_data=False) for path in exported.folder.glob("*.onnx")}
    assert set(models) == {"model.onnx", "model.fp16.onnx", "model.int8.onnx"}
    told = {tuple(sorted((e.key, e.value) for e in model.metadata_props)) for model in models.values()}
    assert len(told) == 1
    for model in models.values():
        assert not any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer)
        assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8


def test_the_integers_are_per_channel_and_the_recipe_is_named(exported: Exported) -> None:
    graph = onnx.load(exported.folder / "model.int8.onnx").graph
    weights = [tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT8]
    assert any(len(tensor.dims) == 4 for tensor in weights)
    scales = [tensor for tensor in graph.initializer if "scale" in tensor.name and list(tensor.dims)]
    assert any(tensor.dims[0] > 1 for tensor in scales)
    how = exported.reports["onnx-int8"].how
    assert "best of" in how
    assert "ONNX Runtime" in how


def test_the_weights_come_with_their_configuration(exported: Exported, digits: Pack) -> None:
    content = json.loads((exported.folder / "config.json").read_text())
    TrialConfig.model_validate(content["config"])
    assert content["model"]["class_names"] == list(digits.class_names)
    assert content["model"]["image_size"] == 8


def test_samples_are_validation_images_with_the_models_answers(exported: Exported, digits: Pack) -> None:
    with np.load(exported.folder / "samples.npz") as kept:
        found = FORMATS.find("onnx").load(exported.folder, 1)(kept["images"])
        np.testing.assert_allclose(found, kept["logits"], atol=1e-4)
        assert set(map(bytes, kept["images"])) <= {bytes(image.transpose(2, 0, 1)) for image in digits.val.images}


def test_a_format_that_cannot_be_made_is_told_and_leaves_nothing(
    exported: Exported, digits: Pack, small_config: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    for name in ("model.onnx", "model.pt2"):
        (tmp_path / name).write_bytes((exported.folder / name).read_bytes())
    gone = small_config(model={"name": "/gone/net.py:Net"})
    made, failed = make_formats(("onnx", "pt2", "torchscript"), Source(tmp_path, gone, digits.val), digits, {})
    assert [one.name for one in made] == ["onnx", "pt2"]
    assert "/gone/net.py" in failed["torchscript"]
    assert {path.name for path in tmp_path.iterdir()} == {"model.onnx", "model.pt2", "samples.npz"}


def report(accuracy: float = 0.9, size: int = 1000, p50_ms: float = 1.0) -> FormatReport:
    latency = tuple(Latency(batch=batch, threads=1, p50_ms=p50_ms, p99_ms=p50_ms, runs=9) for batch in (1, 32))
    agreement = Verified(images=1, max_abs_diff=0, top1_agreement=1, tolerance=1)
    return FormatReport(
        files=("model.onnx",),
        how="",
        needs_torch=False,
        size_bytes=size,
        agreement=agreement,
        test_accuracy=accuracy,
        latency=latency,
        promoted=True,
    )


@pytest.mark.parametrize(
    ("changed", "must_pay", "words"),
    [
        (report(), False, ""),
        (report(accuracy=0.895), False, ""),
        (report(accuracy=0.89), False, "loses 1.00 points"),
        (report(accuracy=0.89499), False, "loses 0.501 points of test accuracy (at most 0.50)"),
        (report(size=2000, p50_ms=2), False, ""),
        (report(size=290, p50_ms=0.5), True, ""),
        (report(size=310, p50_ms=0.5), True, "31% of the size"),
        (report(size=302, p50_ms=0.5), True, "has 30.2% of the size of model.onnx (at most 30%)"),
        (report(size=300, p50_ms=0.5), True, ""),
        (report(size=290, p50_ms=1.0004), True, "takes 1.0004 times as long as model.onnx (must be faster)"),
        (report(size=290, p50_ms=2), True, "2.00 times as long"),
    ],
)
def test_numbers_decide_what_is_promoted(changed: FormatReport, must_pay: bool, words: str) -> None:
    found = objection(changed, 0.9, report() if must_pay else None)
    assert found == "" if not words else words in found


def test_the_time_ratio_is_over_all_settings() -> None:
    assert time_ratio(report(p50_ms=3), report(p50_ms=2)) == pytest.approx(1.5)


def test_formats_are_chosen_by_name() -> None:
    assert choose_formats(("onnx-int8, torchscript", "")) == ("onnx", "pt2", "onnx-int8", "torchscript")
    assert choose_formats(("all",)) == FORMATS.names()
    with pytest.raises(SpaceError, match="did you mean onnx-int8"):
        choose_formats(("onnx-in8",))
    with pytest.raises(SpaceError, match=r"format onnx: a name is registered once, and .*Onnx has it"):
        register_format("onnx")(type(FORMATS.find("pt2")))


def test_a_format_whose_extra_is_not_installed_is_not_among_all_and_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(FORMATS.find("executorch")), "extra", Extra("mobile", "not_installed"))
    assert choose_formats(("all",)) == tuple(name for name in FORMATS.names() if name != "executorch")
    with pytest.raises(SpaceError, match=r"not_installed is not installed; pip install .*\[mobile\]"):
        choose_formats(("executorch",))


def test_what_is_for_phones_runs_on_the_engine_of_phones(exported: Exported) -> None:
    content = (exported.folder / "model.int8.pte").read_bytes()
    assert content[4:6] == b"ET"
    assert b"XnnpackBackend" in content
    assert len(content) < (exported.folder / "model.onnx").stat().st_size


def test_calibration_and_judgement_share_no_image(digits: Pack) -> None:
    first, second = halves(digits.val)
    assert not set(first.index) & set(second.index)
    assert len(first) + len(second) == len(digits.val)


def test_divergence_is_zero_for_equals_and_infinite_for_no_numbers() -> None:
    logits = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
    assert divergence(logits, logits + 1) == pytest.approx(0, abs=1e-6)
    assert divergence(logits, -logits) > 0.1
    assert divergence(logits, logits * np.nan) == float("inf")
