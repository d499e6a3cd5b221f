"""The page and the pictures of an evaluation, of models good and bad, with few classes and many."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hpo.training.data.pack import Skipped
from hpo.training.evaluation.evaluation import EvaluationReport, Mistake
from hpo.training.evaluation.metrics import measure
from hpo.training.evaluation.page import page
from hpo.training.evaluation.pictures import confusion_picture, mistakes_picture, reliability_picture
from hpo.training.evaluation.reliability import reliability
from matplotlib import font_manager
from PIL import Image


def report(classes: int, *, right: bool = False) -> EvaluationReport:
    random = np.random.default_rng(0)
    labels = np.arange(6 * classes) % classes
    logits = random.standard_normal((len(labels), classes)).astype(np.float32)
    logits[np.arange(len(labels)), labels] += 50.0 if right else 1.0
    names = ("<b>bold</b>", *(f"class {number}" for number in range(1, classes)))
    mistakes = () if right else (Mistake(0, "a&b.png", names[0], names[1], 0.987),)
    bins = reliability(logits, labels)
    return EvaluationReport(
        model="models/a", kind="export", model_version="0123456789ab", study="digits", trial=3,
        title="test images of <mine>", source="mine", split="test", test_opening=2, class_names=names,
        temperature=1.3, calibrated=True, metrics=measure(logits, labels, names, 1.3), reliability=bins,
        reliability_uncalibrated=bins, mistakes=mistakes, skipped=(Skipped("broken.jpg", "an empty file"),),
    )  # fmt: skip


def drawn(found: EvaluationReport) -> tuple[str, list[bytes]]:
    images = [np.full((8, 8, 3), 90, np.uint8)] * len(found.mistakes)
    pictures = [
        confusion_picture(np.array(found.metrics.confusion_matrix), found.class_names, found.title),
        reliability_picture(found),
    ]
    return page(found, images, *pictures), [*pictures, mistakes_picture(found, images)]


@pytest.mark.parametrize("classes", [2, 120])
def test_it_needs_nothing_from_anywhere_and_escapes_what_the_data_say(classes: int) -> None:
    text, pictures = drawn(report(classes))
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    assert "<script" not in text
    assert "<b>bold</b>" not in text
    assert "&lt;b&gt;bold&lt;/b&gt;" in text
    assert "a&amp;b.png" in text
    assert "opening 2" in text
    assert "broken.jpg" in text
    for picture in pictures:
        assert Image.open(io.BytesIO(picture)).size >= (300, 200)


def test_names_that_no_font_has_are_told_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    named = replace(report(2), class_names=("\N{CUNEIFORM SIGN A}", "$\\frac$"))
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    text, _ = drawn(named)
    assert "No installed font has \N{CUNEIFORM SIGN A}: boxes in the pictures" in text
    assert "installed font" not in drawn(report(2))[0]


def test_one_image_and_one_file_are_one() -> None:
    found = report(2)
    one = replace(found, metrics=replace(found.metrics, images=1))
    text = page(one, [np.zeros((8, 8, 3), np.uint8)], b"", b"")
    assert "1 file counts for nothing" in text
    assert not re.search(r"\b1 (images|files)\b", text)


def test_a_flawless_model_and_one_without_a_temperature() -> None:
    found = replace(report(3, right=True), calibrated=False, temperature=1.0, test_opening=None, split=None)
    text, _ = drawn(found)
    assert "every image was answered right" in text
    assert "No temperature was fitted" in text


def test_json_has_what_it_promises_and_is_json() -> None:
    found = json.loads(json.dumps(report(3).to_json(), allow_nan=False))
    wanted = {"accuracy", "balanced_accuracy", "macro_f1", "per_class", "confusion_matrix", "ece", "interval"}
    assert wanted <= found.keys()
    assert set(found["per_class"]) == set(found["class_names"])
