"""What a diagnosis sees depends neither on the speed of the machine nor on a few images: too little is no verdict."""

import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from hpo.training.diagnosis.checks.lr_range import STEPS, analyse
from hpo.training.diagnosis.diagnosis import Diagnosis, diagnose
from hpo.training.diagnosis.finding import Severity
from hpo.training.diagnosis.subject import Subject
from hpo.training.diagnosis.watch import watch

from .conftest import HEALTHY, RESNET, Case, Setup, net, sgd, shuffle_labels

CPU = torch.device("cpu")
STEPPING = ("overfit_batch", "gradients", "activations", "updates", "weight_decay")

pytestmark = pytest.mark.usefixtures("one_thread")


def subject_of(set_up: Setup, case: Case) -> Subject:
    config, pack = set_up(case)
    return Subject(config, Pack.open(pack), CPU)


def texts(found: Diagnosis, severity: Severity) -> list[str]:
    return [finding.text for _, finding in found.findings if finding.severity is severity]


def test_a_slow_machine_sees_the_same(set_up: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock by which every look takes a minute; branches that start at zero have no gradient in the first step."""
    subject = subject_of(set_up, HEALTHY["resnet, sgd, one_cycle"])
    fast = diagnose(subject, checks=STEPPING)
    minutes = count()
    for clock in ("perf_counter", "monotonic", "time"):
        monkeypatch.setattr(time, clock, lambda: 60.0 * next(minutes))
    slow = diagnose(replace(subject), checks=STEPPING)
    assert texts(slow, Severity.PROBLEM) == texts(slow, Severity.WARNING) == []
    assert slow.to_json() == fast.to_json()


def test_units_are_not_judged_by_the_first_steps(set_up: Setup) -> None:
    """A training that breaks at once has told nothing of its units."""
    subject = subject_of(set_up, Case({"model": RESNET, "optimizer": sgd(100.0)}))
    batches = list(zip(range(5), subject.batches(), strict=False))
    broken = [(images * (float("nan") if number > 1 else 1), labels) for number, (images, labels) in batches]
    watched = watch(subject.learner(), iter(broken), 0.1)
    assert not watched.finite
    assert {layer.dead_share for layer in watched.layers} == {0.0}


def test_dead_units_are_found(set_up: Setup) -> None:
    found = diagnose(subject_of(set_up, Case({"model": net("HalfDead")})), checks=["gradients"])
    assert any(text.startswith("dead units in 1.weight (") for text in texts(found, Severity.WARNING))


@pytest.mark.parametrize("batch_size", [2, 64])
def test_units_that_answer_seldom_are_not_dead(batch_size: int, set_up: Setup) -> None:
    subject = subject_of(set_up, Case({"model": net("Rare"), "optimizer": sgd(1e-3)}))
    data = subject.config.data.model_copy(update={"batch_size": batch_size})
    found = diagnose(replace(subject, config=subject.config.model_copy(update={"data": data})), checks=["gradients"])
    assert texts(found, Severity.PROBLEM) == texts(found, Severity.WARNING) == []


@pytest.mark.parametrize("losses", [[2.3, 2.3, 2.4, float("nan")], [2.3] * 20 + [9.0] * 4])
def test_a_sweep_that_breaks_early_is_no_verdict(losses: list[float]) -> None:
    """The rates that would help were perhaps never tried."""
    rates = [1e-4 * 10 ** (5 * step / (STEPS - 1)) for step in range(len(losses))]
    test = analyse(rates, losses)
    assert (test.low, test.high) == (None, None)
    assert f"after {len(losses)} of {STEPS}" in test.unclear


def test_a_whole_sweep_without_a_fall_is_one() -> None:
    rates = [1e-4 * 10 ** (5 * step / (STEPS - 1)) for step in range(STEPS)]
    test = analyse(rates, [2.3 + 0.01 * np.sin(step) for step in range(STEPS)])
    assert (test.low, test.high, test.unclear) == (None, None, "")


def test_a_single_lucky_image_does_not_end_a_sweep(set_up: Setup) -> None:
    """In batches of one image the first loss may be as small as can be."""
    case = Case({"optimizer": sgd(0.05), "model": net("Linear")})
    subject = subject_of(set_up, case)
    data = subject.config.data.model_copy(update={"batch_size": 1})
    found = diagnose(replace(subject, config=subject.config.model_copy(update={"data": data})), checks=["lr_range"])
    assert len((found.checked["lr_range"].numbers or {})["rates"]) > STEPS // 2


@pytest.mark.parametrize(("validating", "severity"), [(12, Severity.NOTE), (180, Severity.WARNING)])
def test_a_few_validation_images_say_nothing_of_labels(
    validating: int, severity: Severity, set_up: Setup, tmp_path: Path
) -> None:
    config, _ = set_up(Case())
    data = config.data.model_copy(update={"max_val": validating})
    pack = prepare(data, cache=tmp_path)
    shuffle_labels(pack.path)
    found = diagnose(Subject(config, Pack.open(pack.path), CPU), checks=["label_signal"])
    assert [finding.severity for _, finding in found.findings] == [severity]
