"""One conclusion from many findings.

Which of them is the cause, and which may only follow from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..config import TrialConfig
from ..report import Verdict, VerdictKind
from ..setting import Setting
from .checks.lr_range import STEPS, TOO_FAR, rate_setting
from .finding import Cause, Checked, Finding, Severity

# Causes that show while training, and so may follow from any earlier one.
_FOLLOW = (Cause.RATE, Cause.DECAY, Cause.SIGNAL, Cause.FIT, Cause.NO_RATE)
_AFTER_RATE = (Cause.SIGNAL, Cause.FIT)  # what a wrong rate could explain
# share of the weights that decay takes over the range test, at the highest rate that helps, from which it comes before
# the rate
_DECAYED = 0.5
_WELL = (VerdictKind.HEALTHY, VerdictKind.UNDECIDED)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What to do first.

    `text` is what is wrong, `advice` and `settings` what to try.

    `check` found it, None where no check did. `follows` are the findings that may follow from it, so that their advice
    waits, as (check, text). `rate` says what was measured about the learning rate, empty where that does not matter.
    """

    text: str
    advice: str = ""
    settings: tuple[Setting, ...] = ()
    check: str | None = None
    follows: tuple[tuple[str, str], ...] = ()
    rate: str = ""

    @property
    def checks_that_follow(self) -> tuple[str, ...]:
        """The checks with findings that may follow from the conclusion."""
        return tuple(dict.fromkeys(name for name, _ in self.follows))


def conclude(checked: Mapping[str, Checked], config: TrialConfig, verdict: Verdict | None = None) -> Conclusion:
    """Draw the conclusion from each check's findings and from the verdict.

    `checked` is by the check's name; the verdict is that on the training, if it has one.

    The earliest cause decides, then the gravest finding, then the order of the checks. The learning rate has one
    judge, the range test.
    """
    findings = [
        (name, finding)
        for name, result in checked.items()
        for finding in result.findings
        if finding.severity != Severity.NOTE
    ]
    if not findings:
        return _without_findings(checked, config, verdict)
    order = _order(checked, config)
    check, root = min(findings, key=lambda item: (order.index(item[1].cause), list(Severity).index(item[1].severity)))
    later = order[order.index(root.cause) + 1 :]
    follows = tuple(
        (name, finding.text) for name, finding in findings if finding.cause in _FOLLOW and finding.cause in later
    )
    return Conclusion(root.text, root.advice, root.settings, check, follows, _rate(checked, config, root))


def _order(checked: Mapping[str, Checked], config: TrialConfig) -> list[Cause]:
    """Return the causes, the earliest first.

    Decay is before the rate where the range is only what the decay leaves of it.
    """
    rate_range = _range(checked)
    if rate_range is None or rate_range[1] * config.optimizer.weight_decay * STEPS < _DECAYED:
        return list(Cause)
    return sorted(Cause, key=lambda cause: Cause.RATE - 0.5 if cause is Cause.DECAY else cause)


def _without_findings(checked: Mapping[str, Checked], config: TrialConfig, verdict: Verdict | None) -> Conclusion:
    if verdict is None or verdict.kind in _WELL:
        return Conclusion("nothing is wrong with what was looked at")
    text = f"the checks find no cause for the verdict on the run: {verdict.kind}: {verdict.evidence}"
    if _range(checked) is None or verdict.kind is VerdictKind.OVERFITTING:
        return Conclusion(text, verdict.advice, verdict.settings)
    return Conclusion(text, rate=_measured(checked, config))


def _rate(checked: Mapping[str, Checked], config: TrialConfig, root: Finding) -> str:
    """Return a sentence on the learning rate, where it could explain `root`."""
    if root.cause not in _AFTER_RATE:
        return ""
    return _measured(checked, config)


def _measured(checked: Mapping[str, Checked], config: TrialConfig) -> str:
    lr = config.optimizer.lr
    if "lr_range" not in checked:
        return f"whether optimizer.lr {lr:g} is at fault was not measured (check lr_range)"
    rate_range = _range(checked)
    if rate_range is None:
        return f"whether optimizer.lr {lr:g} is at fault could not be measured: {checked['lr_range'].summary}"
    low, high = rate_range
    position = "lies in" if low <= lr <= high else f"is within {TOO_FAR:g} times of"
    return (
        f"the learning rate is not at fault: optimizer.lr {lr:g} {position} the range that helps, {low:g} to {high:g}"
    )


def _range(checked: Mapping[str, Checked]) -> tuple[float, float] | None:
    """Return the rates at which the loss fell, None without such."""
    numbers = checked["lr_range"].numbers if "lr_range" in checked else None
    low, high = (numbers or {}).get("low"), (numbers or {}).get("high")
    return (low, high) if low is not None and high is not None else None


def rates_to_search(checked: Mapping[str, Checked]) -> Setting | None:
    """Return the learning rates worth searching, where there are any.

    Those that the range test found.
    """
    rate_range = _range(checked)
    return rate_setting(*rate_range) if rate_range is not None and rate_range[0] < rate_range[1] else None
