import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hpo.common.preprocess import STEPS
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.data.preprocessing import Preprocessing
from hpo.training.export.classifier import Classifier
from hpo.training.export.format_report import FormatReport, Latency, Verified
from hpo.training.export.gap import Gap
from hpo.training.export.manifest import ExportedFile, ExportManifest, Metrics, Training
from hpo.training.metrics.calibration import Calibration
from hpo.training.models.build import build_model


@pytest.fixture(scope="session")
def digits(digits_pack: Path) -> Pack:
    return Pack.open(digits_pack)


@pytest.fixture(scope="session")
def make_classifier(digits: Pack, quick_exports: None) -> Callable[[TrialConfig], Classifier]:
    """A function that gives an untrained classifier of digits, the same for equal configurations."""

    def make(config: TrialConfig) -> Classifier:
        torch.manual_seed(0)
        model = build_model(config.model, num_classes=10, in_channels=1, image_size=8)
        return Classifier(model, digits.mean, digits.std)

    return make


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
