"""One conclusion from many findings: which of them is the cause, and which may only follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..config import TrialConfig
from ..report import Verdict, VerdictKind
from ..setting import Setting
from .checks.lr_range import STEPS, TOO_FAR, rate_setting
from .finding import Cause, Checked, Finding, Severity

# What is seen of training, and so of all that training needs.
_FOLLOW = (Cause.RATE, Cause.DECAY, Cause.SIGNAL, Cause.FIT, Cause.NO_RATE)
_AFTER_RATE = (Cause.SIGNAL, Cause.FIT)  # what a wrong rate could explain
_DECAYED = 0.5  # of the weights, over the range test at the highest rate that helps
_WELL = (VerdictKind.HEALTHY, VerdictKind.UNDECIDED)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What to do first: `text` is what is wrong, `advice` and `settings` what to try.

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
        """The checks with findings that may follow from it."""
        return tuple(dict.fromkeys(name for name, _ in self.follows))


def conclude(checked: Mapping[str, Checked], config: TrialConfig, verdict: Verdict | None = None) -> Conclusion:
    """The conclusion from what each check found, by name, and from the verdict on the run, if it has one.

    The earliest cause decides, then the gravest finding, then the order of the checks. The learning rate has one
    judge, the range test.
    """
    found = [(name, one) for name, part in checked.items() for one in part.findings if one.severity != Severity.NOTE]
    if not found:
        return _without_findings(checked, config, verdict)
    order = _order(checked, config)
    check, root = min(found, key=lambda item: (order.index(item[1].cause), list(Severity).index(item[1].severity)))
    later = order[order.index(root.cause) + 1 :]
    follows = tuple((name, one.text) for name, one in found if one.cause in _FOLLOW and one.cause in later)
    return Conclusion(root.text, root.advice, root.settings, check, follows, _rate(checked, config, root))


def _order(checked: Mapping[str, Checked], config: TrialConfig) -> list[Cause]:
    """The causes, the earliest first: decay before the rate where the range is only what the decay leaves of it."""
    measured = _range(checked)
    if measured is None or measured[1] * config.optimizer.weight_decay * STEPS < _DECAYED:
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
    """What is known of the learning rate, where it could be behind `root`."""
    if root.cause not in _AFTER_RATE:
        return ""
    return _measured(checked, config)


def _measured(checked: Mapping[str, Checked], config: TrialConfig) -> str:
    lr = config.optimizer.lr
    if "lr_range" not in checked:
        return f"whether optimizer.lr {lr:g} is at fault was not measured (check lr_range)"
    measured = _range(checked)
    if measured is None:
        return f"whether optimizer.lr {lr:g} is at fault could not be measured: {checked['lr_range'].summary}"
    low, high = measured
    where = "lies in" if low <= lr <= high else f"is within {TOO_FAR:g} times of"
    return f"the learning rate is not at fault: optimizer.lr {lr:g} {where} the range that helps, {low:g} to {high:g}"


def _range(checked: Mapping[str, Checked]) -> tuple[float, float] | None:
    """The rates at which the loss was seen to fall."""
    numbers = checked["lr_range"].numbers if "lr_range" in checked else None
    low, high = (numbers or {}).get("low"), (numbers or {}).get("high")
    return (low, high) if low is not None and high is not None else None


def rates_to_search(checked: Mapping[str, Checked]) -> Setting | None:
    """The learning rates worth searching, where the range test found any."""
    measured = _range(checked)
    return rate_setting(*measured) if measured is not None and measured[0] < measured[1] else None
