"""Every metric against scikit-learn, every interval against scipy's bootstrap, on random predictions."""

import numpy as np
import pytest
from hpo.common.interval import wilson
from hpo.training.evaluation.bootstrap import bootstrap
from hpo.training.evaluation.metrics import measure
from hpo.training.evaluation.reliability import reliability
from hpo.training.metrics.confidence import Labels, Logits
from scipy.special import softmax
from scipy.stats import bootstrap as scipy_bootstrap
from sklearn import metrics as sk


def made(classes: int, images: int = 400, seed: int = 0) -> tuple[Logits, Labels, list[str]]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, images)
    logits = random.standard_normal((images, classes)).astype(np.float32)
    logits[np.arange(images), labels] += 1.0
    return logits, labels, [f"class {number}" for number in range(classes)]


@pytest.mark.parametrize("classes", [2, 5, 12])
def test_every_number_is_that_of_scikit_learn(classes: int) -> None:
    logits, labels, names = made(classes)
    found = measure(logits, labels, names, temperature=1.7)
    shares = softmax(logits.astype(np.float64) / 1.7, axis=1)
    chosen = logits.argmax(axis=1)
    assert found.images == 400
    assert found.accuracy == pytest.approx(sk.accuracy_score(labels, chosen))
    assert found.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(labels, chosen))
    assert found.macro_f1 == pytest.approx(sk.f1_score(labels, chosen, average="macro"))
    assert np.array_equal(found.confusion_matrix, sk.confusion_matrix(labels, chosen))
    assert found.nll == pytest.approx(sk.log_loss(labels, shares), rel=1e-5)
    assert found.nll_uncalibrated == pytest.approx(sk.log_loss(labels, softmax(logits, axis=1)), rel=1e-5)
    scores = shares[:, 1] if classes == 2 else shares
    area = sk.roc_auc_score(labels, scores, multi_class="ovr", average="macro")
    assert found.auroc == pytest.approx(area, abs=1e-6)
    if classes > 5:
        assert found.top5_accuracy == pytest.approx(sk.top_k_accuracy_score(labels, shares, k=5))
    else:
        assert found.top5_accuracy is None
    report = sk.classification_report(labels, chosen, target_names=names, output_dict=True, zero_division=0)
    for entry in found.per_class:
        wanted = report[entry.name]
        assert (entry.precision, entry.recall, entry.f1) == pytest.approx(
            (wanted["precision"], wanted["recall"], wanted["f1-score"])
        )
        assert entry.images == wanted["support"]


def test_a_flawless_class_is_not_certain() -> None:
    logits, labels = (9 * np.eye(3)[np.arange(30) % 3]).astype(np.float32), np.arange(30) % 3
    entry = measure(logits, labels, ["a", "b", "c"]).per_class[1]
    assert entry.recall == entry.precision == 1.0
    assert entry.recall_interval == entry.precision_interval == wilson(10, 10)


def test_a_class_without_images_has_no_metrics_and_spoils_no_mean() -> None:
    logits, labels, names = made(4)
    logits, labels = logits[labels != 2], labels[labels != 2]
    found = measure(logits, labels, names)
    missing = found.per_class[2]
    assert missing.images == 0
    values = (missing.precision, missing.recall, missing.f1, missing.auroc, missing.recall_interval)
    assert values == (None,) * 5
    recalls = [entry.recall for entry in found.per_class if entry.recall is not None]
    assert found.balanced_accuracy == pytest.approx(np.mean(recalls))
    low, high = found.balanced_accuracy_interval
    assert low < found.balanced_accuracy < high


def test_images_of_one_class_alone_have_no_auroc() -> None:
    logits, labels, names = made(3)
    found = measure(logits[labels == 1], labels[labels == 1], names)
    assert found.auroc is None
    assert found.balanced_accuracy == found.accuracy


def test_a_single_image_is_measured() -> None:
    found = measure(np.array([[0.0, 1.0]], np.float32), np.array([1]), ["a", "b"])
    assert (found.accuracy, found.balanced_accuracy_interval) == (1.0, (1.0, 1.0))


def test_intervals_are_those_of_drawing_the_images_again() -> None:
    logits, labels, _ = made(3, images=300)
    chosen = logits.argmax(axis=1)
    found = bootstrap(sk.confusion_matrix(labels, chosen), seed=1)
    options = {"paired": True, "method": "percentile", "n_resamples": 500, "vectorized": False}
    for ours, metric in (
        (found.balanced_accuracy, sk.balanced_accuracy_score),
        (found.macro_f1, lambda true, answered: sk.f1_score(true, answered, average="macro")),
        (found.f1[2], lambda true, answered: sk.f1_score(true, answered, labels=[2], average="macro")),
    ):
        wanted = scipy_bootstrap((labels, chosen), metric, rng=np.random.default_rng(0), **options)
        assert ours == pytest.approx(tuple(wanted.confidence_interval), abs=0.02)


def test_the_same_seed_gives_the_same_intervals_whatever_the_chunks() -> None:
    matrix = np.array([[30, 5], [4, 20]])
    assert bootstrap(matrix) == bootstrap(matrix)
    assert bootstrap(matrix, seed=1) != bootstrap(matrix, seed=2)


def test_the_bins_hold_every_image_and_add_up_to_the_calibration_error() -> None:
    logits, labels, names = made(4)
    bins = reliability(logits, labels)
    assert len(bins) == 15
    assert sum(part.images for part in bins) == len(labels)
    gaps = [part.images * abs(part.confidence - part.accuracy) for part in bins if part.confidence is not None]  # type: ignore[operator]
    assert sum(gaps) / len(labels) == pytest.approx(measure(logits, labels, names).ece_uncalibrated, abs=1e-6)
