"""The checks of a diagnosis: each finds what was made ill on purpose, and none accuses what is well."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hpo.errors import SpaceError
from hpo.training.data.pack import Pack
from hpo.training.diagnosis.checks.lr_range import analyse
from hpo.training.diagnosis.diagnosis import Diagnosis, diagnose
from hpo.training.diagnosis.finding import Severity
from hpo.training.diagnosis.page import page
from hpo.training.diagnosis.registry import CHECKS, choose_checks
from hpo.training.diagnosis.subject import Subject
from hpo.training.setting import Setting

from .conftest import HEALTHY, ILL, Case, Setup, net

CPU = torch.device("cpu")

MORE_ILL = {
    "a frozen layer": Case({"model": net("Frozen")}),
    "a forgotten detach": Case({"model": net("Detached")}),
    "a layer that is not used": Case({"model": net("Unused")}),
    "too confident": Case({"model": net("Confident")}),
    "too many classes": Case({"model": net("TooMany")}),
    "too few classes": Case({"model": net("TooFew")}),
    "no number": Case({"model": net("NotANumber")}),
    "steep sigmoids": Case({"model": net("Mlp", activation="sigmoid", gain=200.0)}),
}

# case -> check -> words of a finding of it
EXPECTED = {
    "lr x 1000, sgd": {"lr_range": "times the highest", "gradients": "gradient", "overfit_batch": "NaN or infinite"},
    "lr x 1000, adamw": {"lr_range": "times the highest rate", "updates": "nothing learned survives"},
    "lr x 1000, resnet": {"lr_range": "times the highest rate"},
    "lr x 1000, mlp": {"lr_range": "times the highest rate", "gradients": "gradient"},
    "lr / 1000": {"lr_range": "times smaller than", "overfit_batch": "the learning rate is not right"},
    "huge weight decay": {"weight_decay": "--set optimizer.weight_decay=0.03", "overfit_batch": "not learn even one"},
    "huge weight decay, adamw": {"weight_decay": "--set optimizer.weight_decay=0.05"},
    "deep sigmoids": {"gradients": "vanishes", "activations": "gives every image the same answer"},
    "dead relus": {"gradients": "exactly zero", "activations": "almost only zeros"},
    "exploding start": {"initial_loss": "confidently wrong", "gradients": "gradient"},
    "unnormalised": {"inputs": "not normalised"},
    "shuffled labels": {"label_signal": "do not have the same label"},
    "tiny data": {"labels": "fewer than 10 training images"},
    "blind": {"gradients": "exactly zero", "activations": "gives every image the same answer"},
    "a frozen layer": {"gradients": "1 of 3 layers are frozen: 1.weight"},
    "a forgotten detach": {"gradients": "no gradient reaches 1.weight"},
    "a layer that is not used": {"gradients": "no gradient reaches extra.weight"},
    "too confident": {"initial_loss": "confidently wrong"},
    "too many classes": {"output": "gives [64, 17]", "lr_range": "was left out"},
    "too few classes": {"output": "gives [64, 9]", "initial_loss": "was left out"},
    "no number": {"output": "NaN or infinite before any training"},
    "steep sigmoids": {"activations": "saturated"},
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("one_thread")


def subject_of(set_up: Setup, case: Case) -> Subject:
    config, pack = set_up(case)
    return Subject(config, Pack.open(pack), CPU)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_ails_a_run_is_found(name: str, set_up: Setup) -> None:
    wanted = EXPECTED[name]
    found = diagnose(subject_of(set_up, {**ILL, **MORE_ILL}[name]), checks=wanted)
    for check, words in wanted.items():
        said = [
            f"{one.text}; {one.advice} {' '.join(setting.flag for setting in one.settings)}"
            for one in found.checked[check].findings
        ]
        assert any(words in text for text in said), (check, said, found.checked[check].summary)


def accused(found: Diagnosis) -> list[str]:
    return [f"{name}: {one.text}" for name, one in found.findings if one.severity is not Severity.NOTE]


@pytest.mark.slow
@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_well_is_not_accused(name: str, set_up: Setup) -> None:
    found = diagnose(subject_of(set_up, HEALTHY[name]))
    assert set(found.checked) == set(CHECKS)
    assert accused(found) == []


@pytest.fixture(scope="module")
def whole(set_up: Setup) -> tuple[Subject, Diagnosis]:
    """Every check on a small healthy network."""
    torch.set_num_threads(1)
    subject = subject_of(set_up, HEALTHY["mlp, adamw, 20 epochs"])
    return subject, diagnose(subject, "a <b>test</b>")


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_says_what_it_measured(name: str, whole: tuple[Subject, Diagnosis]) -> None:
    checked = whole[1].checked[name]
    assert checked.summary.endswith(".")
    assert checked.numbers
    assert any(name in wanted for wanted in EXPECTED.values()), "no ill run is expected to be found by it"
    json.dumps(checked.to_json(), allow_nan=False)


def test_healthy_numbers(whole: tuple[Subject, Diagnosis]) -> None:
    checked = whole[1].checked
    assert accused(whole[1]) == []
    assert abs(checked["inputs"].numbers["mean"]) < 0.1  # type: ignore[index]
    assert checked["initial_loss"].numbers["ln_classes"] == pytest.approx(2.302585)  # type: ignore[index]
    assert sum(checked["labels"].numbers["train"]) == whole[0].pack.size("train")  # type: ignore[index]
    test = checked["lr_range"].numbers
    assert test is not None
    assert 1e-4 < test["low"] < test["high"] < 1


def test_it_leaves_no_mark(set_up: Setup) -> None:
    """Neither on the pack, nor on the random numbers of whoever asks; and the same again is the same."""
    subject = subject_of(set_up, HEALTHY["linear, sgd"])
    files = {path: path.read_bytes() for path in subject.pack.path.rglob("*") if path.is_file()}
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    expected = (torch.rand(1), np.random.rand(), random.random())
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    names = [name for name in CHECKS if name != "lr_range"]
    first = diagnose(subject, checks=names)
    assert (torch.rand(1), np.random.rand(), random.random()) == expected
    assert {path: path.read_bytes() for path in subject.pack.path.rglob("*") if path.is_file()} == files
    torch.manual_seed(2)
    again = diagnose(Subject(subject.config, subject.pack, CPU), checks=names)
    assert again.to_json() == first.to_json()


def test_the_page_needs_no_other_file(whole: tuple[Subject, Diagnosis], tmp_path: Path) -> None:
    text = page(whole[1], dimension="--set 'optimizer.lr={low: 0.001, high: 0.1, log: true}'")
    assert "a &lt;b&gt;test&lt;/b&gt;" in text
    assert text.count("<svg") >= 7
    assert "log: true" in text
    assert "<script" not in text
    assert not any(f'{attribute}="http' in text for attribute in ("src", "href"))
    for name in CHECKS:
        assert CHECKS.find(name).title in text.replace("&#39;", "'")


def test_an_unknown_check_is_refused() -> None:
    with pytest.raises(SpaceError, match="--check: unknown check 'lr_rnge'; did you mean lr_range"):
        choose_checks(["lr_rnge"])
    assert choose_checks([]) == tuple(CHECKS)
    assert choose_checks(["lr_range", "inputs"]) == ("inputs", "lr_range")


def test_the_range_of_a_curve() -> None:
    """A loss that falls from 1e-3 to 0.1 and blows up at 1."""
    rates = [10 ** (-6 + 7 * step / 139) for step in range(140)]
    losses = [2.3 if r < 1e-3 else 2.3 - np.log10(r / 1e-3) if r < 0.1 else 0.3 if r < 1 else 9.0 for r in rates]
    test = analyse(rates, losses)
    assert test.low == pytest.approx(2e-3, rel=0.5)
    assert test.high == pytest.approx(0.1, rel=0.5)
    assert test.blows_up == pytest.approx(1, rel=0.5)
    flat = analyse(rates, [2.3] * len(rates))
    assert (flat.low, flat.high) == (None, None)
    cut = analyse(rates[:80], [*losses[:79], float("nan")])
    assert cut.blows_up == rates[79]


def test_noise_is_not_taken_for_a_fall() -> None:
    """A loss that only jumps has no range, however low its lowest; one that falls further than it jumps has."""
    rates = [10 ** (-4 + 5 * step / 139) for step in range(140)]
    for seed in range(200):
        jumps = np.random.default_rng(seed).normal(0, 0.4, 140)
        idle = analyse(rates, (2.3 + jumps).tolist())
        assert (idle.low, idle.high) == (None, None), seed
        falling = analyse(
            rates, [2.3 - min(1.5, max(0.0, np.log10(r) + 3)) + j for r, j in zip(rates, jumps, strict=True)]
        )
        assert falling.low is not None, seed
    assert idle.unclear  # of the last one: which is not said to be a fault


def test_out_of_memory_is_a_finding(set_up: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(_: Subject) -> None:
        torch.empty(2**50)

    monkeypatch.setitem(CHECKS._things, "inputs", replace(CHECKS.find("inputs"), run=greedy))
    found = diagnose(subject_of(set_up, Case()), checks=["inputs"])
    assert found.findings[0][1].settings == (Setting("memory.micro_batch", 16),)


@pytest.mark.cuda
def test_on_a_gpu(set_up: Setup) -> None:
    config, pack = set_up(HEALTHY["cnn, adamw"])
    assert accused(diagnose(Subject(config, Pack.open(pack), torch.device("cuda")))) == []
