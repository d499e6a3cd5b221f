import numpy as np
import pytest
from hpo.training.evaluation.temperature import calibrate, fit_temperature, negative_log_likelihood, scaled
from hpo.training.metrics.confidence import Labels, Logits
from scipy.special import softmax
from sklearn.metrics import log_loss


def drawn(images: int, classes: int, seed: int = 0) -> tuple[Logits, Labels]:
    """Logits that mean what they say: each label is drawn from their softmax."""
    random = np.random.default_rng(seed)
    logits = (2 * random.standard_normal((images, classes))).astype(np.float32)
    shares = softmax(logits.astype(np.float64), axis=1)
    labels = np.array([random.choice(classes, p=share) for share in shares])
    return logits, labels


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_a_known_exaggeration_is_found_and_undone(factor: float) -> None:
    logits, labels = drawn(4000, 5)
    found = calibrate((logits * factor).astype(np.float32), labels, "these")
    assert found.temperature == pytest.approx(factor, rel=0.06)
    assert (found.images, found.weights) == (4000, "these")
    assert found.nll_after <= found.nll_before + 1e-9
    if factor != 1.0:
        assert found.nll_after < found.nll_before - 0.01
        assert found.ece_after < found.ece_before / 2


def test_no_other_temperature_is_likelier() -> None:
    logits, labels = drawn(3000, 4, seed=3)
    exaggerated = (logits * 2).astype(np.float32)
    best = fit_temperature(exaggerated, labels)
    least = negative_log_likelihood(scaled(exaggerated, best), labels)
    for other in (0.8 * best, 0.95 * best, 1.05 * best, 1.25 * best):
        assert negative_log_likelihood(scaled(exaggerated, other), labels) > least


def test_the_likelihood_is_that_of_scikit_learn() -> None:
    logits, labels = drawn(500, 3)
    assert negative_log_likelihood(logits, labels) == pytest.approx(log_loss(labels, softmax(logits, axis=1)), rel=1e-5)


@pytest.mark.parametrize("images", [5, 50, 500])
def test_a_flawless_model_is_believed_no_more_than_its_images_can_show(images: int) -> None:
    labels = np.arange(images) % 3
    logits = (8 * np.eye(3)[labels]).astype(np.float32)
    temperature = fit_temperature(logits, labels)
    confidence = softmax(logits / temperature, axis=1).max(axis=1).mean()
    assert confidence == pytest.approx((images + 1) / (images + 2), abs=1e-3)


def test_a_single_image_is_enough_to_go_on() -> None:
    assert 0.05 <= fit_temperature(np.array([[1.0, 0.0]], np.float32), np.array([1])) <= 20.0
