import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hpo.training.config import TrialConfig
from hpo.training.data.appearance import Appearance
from hpo.training.data.pack import Pack, open_test
from hpo.training.export.classifier import Classifier
from hpo.training.export.final_test import FinalTest, UntestableError, final_test


@pytest.fixture
def classifier(
    make_classifier: Callable[[TrialConfig], Classifier], small_config: Callable[..., TrialConfig]
) -> Classifier:
    return make_classifier(small_config())


@pytest.fixture
def look(digits: Pack, tmp_path: Path) -> Callable[[Classifier], FinalTest]:
    def look(classifier: Classifier) -> FinalTest:
        log, kept = tmp_path / "openings.jsonl", tmp_path / "test.json"
        return final_test(
            classifier, digits, device="cpu", reason="a test", log=log, kept=kept, witness=lambda *_: None
        )

    return look


def test_the_numbers_are_those_of_the_test_images(
    classifier: Classifier, digits: Pack, look: Callable[[Classifier], FinalTest], tmp_path: Path
) -> None:
    found = look(classifier)
    split = open_test(digits, "to compare", tmp_path / "other.jsonl")
    with torch.no_grad():
        logits = classifier(torch.from_numpy(split.images.transpose(0, 3, 1, 2).copy()))
    labels = torch.from_numpy(split.labels)
    assert found.images == len(split) == digits.size("test")
    assert found.accuracy == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    assert found.loss == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-4)
    assert found.interval[0] < found.accuracy < found.interval[1]
    assert found.appearance == Appearance(
        pytest.approx(split.images.mean() / 255), pytest.approx(split.images.std(axis=(1, 2, 3)).mean() / 255)
    )


def test_the_same_weights_are_tested_once(
    classifier: Classifier, look: Callable[[Classifier], FinalTest], tmp_path: Path
) -> None:
    first = look(classifier)
    assert look(classifier) == first
    assert first.opening == 1
    lines = (tmp_path / "openings.jsonl").read_text().splitlines()
    assert [json.loads(line)["reason"] for line in lines] == ["a test"]


def test_a_result_that_an_older_version_kept_is_read(
    classifier: Classifier, look: Callable[[Classifier], FinalTest], tmp_path: Path
) -> None:
    first = look(classifier)
    kept = json.loads((tmp_path / "test.json").read_text())
    del kept["appearance"]
    (tmp_path / "test.json").write_text(json.dumps(kept))
    assert look(classifier) == replace(first, appearance=None)


def test_other_weights_open_the_split_again_and_it_is_counted(
    classifier: Classifier, look: Callable[[Classifier], FinalTest]
) -> None:
    look(classifier)
    with torch.no_grad():
        next(iter(classifier.model.parameters())).add_(0.1)
    assert look(classifier).opening == 2


def test_answers_that_are_no_numbers_are_no_result(
    classifier: Classifier, look: Callable[[Classifier], FinalTest], tmp_path: Path
) -> None:
    with torch.no_grad():
        next(iter(classifier.model.parameters())).fill_(float("nan"))
    with pytest.raises(UntestableError, match="NaN"):
        look(classifier)
    assert not (tmp_path / "test.json").exists()
