"""One conclusion: the earliest cause, whose number is the range test's where it is a learning rate."""

import re

import pytest
import torch
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.diagnosis.conclusion import Conclusion, conclude, rates_to_search
from hpo.training.diagnosis.diagnosis import Diagnosis, diagnose
from hpo.training.diagnosis.finding import Cause, Checked, note, problem, warning
from hpo.training.diagnosis.page import page
from hpo.training.diagnosis.subject import Subject
from hpo.training.report import Verdict, VerdictKind
from hpo.training.setting import Setting

from .conftest import ILL, Setup

CONFIG = TrialConfig.model_validate({"optimizer": {"name": "sgd", "lr": 0.05}})
RANGE = Checked("Found.", numbers={"low": 0.01, "high": 0.3})

pytestmark = pytest.mark.usefixtures("one_thread")


def concluded(name: str, set_up: Setup) -> Diagnosis:
    config, pack = set_up(ILL[name])
    return diagnose(Subject(config, Pack.open(pack), torch.device("cpu")))


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("lr x 1000, sgd", "lr_range"),
        ("huge weight decay, adamw", "weight_decay"),
        ("huge weight decay", "weight_decay"),
        ("exploding start", "initial_loss"),
        ("unnormalised", "inputs"),
        ("shuffled labels", "label_signal"),
        ("dead relus", "gradients"),
    ],
)
def test_the_cause_comes_first(name: str, check: str, set_up: Setup) -> None:
    found = concluded(name, set_up)
    assert found.conclusion.check == check, found.findings
    told = found.to_json()
    assert told["conclusion"]["check"] == check
    assert check not in told["conclusion"]["follows"] or check == "gradients"
    for _, finding in found.findings:  # the learning rate has one judge
        assert finding.cause is Cause.RATE or not re.search(
            r"\b(raise|lower|smaller|larger) (optimizer\.)?lr", finding.advice
        )
        assert finding.cause is Cause.RATE or "optimizer.lr" not in {setting.key for setting in finding.settings}
    assert found.conclusion.text[1:].split("<")[0][:20] in page(found).replace("&#39;", "'")


def test_what_follows_from_the_cause_waits() -> None:
    rate = problem(Cause.RATE, "too large", "take less", Setting("optimizer.lr", 0.05, 0.01, 0.3))
    checked = {
        "overfit_batch": Checked("", [problem(Cause.FIT, "does not learn", "try")]),
        "lr_range": Checked("", [rate], {"low": 0.01, "high": 0.3}),
        "labels": Checked("", [warning(Cause.HINT, "unequal", "weigh")]),
        "gradients": Checked("", [problem(Cause.SIGNAL, "explodes", "clip"), note("frozen", "meant?")]),
    }
    found = Diagnosis("", checked, conclude(checked, CONFIG))
    assert found.conclusion == Conclusion(
        "too large",
        "take less",
        rate.settings,
        "lr_range",
        (("overfit_batch", "does not learn"), ("gradients", "explodes")),
    )
    waiting = {finding.text for _, finding in found.findings if found.follows(finding)}
    assert waiting == {"does not learn", "explodes"}
    assert [entry["follows"] for entry in found.to_json()["findings"]] == [True, False, True, False, False]


def test_a_rate_in_the_range_is_cleared() -> None:
    broken = Checked("", [problem(Cause.SIGNAL, "dead units", "norms")])
    said = conclude({"lr_range": RANGE, "gradients": broken}, CONFIG)
    assert said.rate == "the learning rate is not at fault: optimizer.lr 0.05 lies in the range that helps, 0.01 to 0.3"
    assert "was not measured" in conclude({"gradients": broken}, CONFIG).rate
    unknown = Checked("Not enough steps to tell.", [note("not enough steps", "")], {"low": None, "high": None})
    assert "could not be measured" in conclude({"lr_range": unknown, "gradients": broken}, CONFIG).rate
    assert rates_to_search({"lr_range": unknown}) is None
    assert rates_to_search({"lr_range": RANGE}) == Setting("optimizer.lr", 0.055, 0.01, 0.3)


def test_a_verdict_that_no_check_explains() -> None:
    """Its advice on the learning rate stands only where nothing was measured."""
    exploding = Verdict(VerdictKind.EXPLODING, "loss 9", "calm it", (Setting("optimizer.lr", 0.005),))
    measured = conclude({"lr_range": RANGE}, CONFIG, exploding)
    assert (measured.advice, measured.settings) == ("", ())
    assert "exploding: loss 9" in measured.text
    assert "lies in the range" in measured.rate
    assert conclude({}, CONFIG, exploding).settings == exploding.settings
    assert conclude({"lr_range": RANGE}, CONFIG).text.startswith("nothing is wrong")
    healthy = Verdict(VerdictKind.HEALTHY, "")
    assert conclude({"lr_range": RANGE}, CONFIG, healthy).text.startswith("nothing is wrong")
