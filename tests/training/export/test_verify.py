from collections.abc import Callable

import numpy as np
import pytest
import torch
from hpo.errors import ExportError
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.export.classifier import Classifier
from hpo.training.export.pixels import as_input, sample
from hpo.training.export.verify import Agreement, Logits, Runtime, compare, reference_logits, verify
from numpy.typing import NDArray


@pytest.fixture(scope="module")
def classifier(
    make_classifier: Callable[[TrialConfig], Classifier], small_config: Callable[..., TrialConfig]
) -> Classifier:
    return make_classifier(small_config())


def running(classifier: Classifier, change: Callable[[Logits], Logits]) -> Runtime:
    @torch.no_grad()
    def run(images: NDArray[np.uint8]) -> Logits:
        return change(classifier(torch.from_numpy(images)).numpy())

    return run


def test_normalising_inside_equals_normalising_outside(classifier: Classifier, digits: Pack) -> None:
    images = sample(digits.train_and_val, 100)
    reference = reference_logits(classifier, digits, images)
    agreement = verify("model", running(classifier, lambda logits: logits), images, reference)
    assert agreement.images == 100
    assert agreement.max_abs_diff < 1e-5
    assert agreement.top1_agreement == 1.0


@pytest.mark.parametrize(
    "change",
    [
        lambda logits: logits + 0.01,
        lambda logits: logits[:, ::-1],
        lambda logits: np.full_like(logits, np.nan),
        lambda logits: logits[:, :9],
        lambda logits: logits if len(logits) > 1 else logits + 0.01,
    ],
    ids=["shifted", "other classes", "not a number", "a class is missing", "wrong one by one"],
)
def test_a_file_that_answers_otherwise_is_refused(
    classifier: Classifier, digits: Pack, change: Callable[[Logits], Logits]
) -> None:
    images = sample(digits.train_and_val, 40)
    reference = reference_logits(classifier, digits, images)
    with pytest.raises(ExportError, match=r"model\.onnx|logits must be") as caught:
        verify("model.onnx", running(classifier, change), images, reference)
    assert caught.value.exit_code == 1
    assert len(str(caught.value).splitlines()) <= 3


def test_a_runtime_that_fails_is_an_export_error(classifier: Classifier, digits: Pack) -> None:
    def run(images: NDArray[np.uint8]) -> Logits:
        raise RuntimeError("no kernel for Foo\nlong trace")

    images = sample(digits.val, 3)
    with pytest.raises(ExportError, match=r"^model\.pt2: cannot be run: no kernel for Foo$"):
        verify("model.pt2", run, images, reference_logits(classifier, digits, images))


def test_equal_logits_are_not_another_answer() -> None:
    reference = np.array([[1.0, 1.0], [0.0, 2.0]], np.float32)
    rounded = np.array([[1.0, 1.0000001], [0.0, 2.0]], np.float32)
    assert compare(rounded, reference).top1_agreement == 1.0
    assert compare(np.array([[1.0, 1.0], [2.0, 0.0]], np.float32), reference).top1_agreement == 0.5


def test_samples_are_spread_and_contiguous(digits: Pack) -> None:
    images = sample(digits.train, 7)
    assert len(images) == 7
    assert images.index[-1] == digits.train.index[-1]
    planes = as_input(images)
    assert planes.shape == (7, 1, 8, 8)
    assert planes.flags.c_contiguous
    assert (planes[3, 0] == images.images[3, :, :, 0]).all()
    assert len(sample(digits.val, 10**6)) == digits.size("val")


def test_a_refusal_shows_numbers_that_are_past_their_limits() -> None:
    near = Agreement(images=512, max_abs_diff=1.1805e-3, top1_agreement=0.99899, tolerance=1.1804e-3)
    assert not near.holds
    assert str(near) == (
        "logits differ by up to 1.1805e-03 (at most 1.1804e-03 allowed), the same class in 99.899% (at least 99.9%)"
    )
