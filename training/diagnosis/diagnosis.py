"""Checks made one after the other, and what they found together."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..machine.memory import is_out_of_memory
from ..report import Verdict
from ..setting import Setting
from .conclusion import Conclusion, conclude
from .finding import Cause, Checked, Finding, Severity, note, warning
from .registry import CHECKS, choose_checks
from .subject import Subject

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found.

    `origin` says what was diagnosed, `checked` what each check found, by name; `verdict` is that on the history of the
    run, None where there is none. `conclusion` is what to do first; where it and a finding differ, it decides.
    """

    origin: str
    checked: Mapping[str, Checked]
    conclusion: Conclusion
    verdict: Verdict | None = None

    @property
    def findings(self) -> tuple[tuple[str, Finding], ...]:
        """Each finding with the name of its check, the gravest first."""
        found = [(name, finding) for name, checked in self.checked.items() for finding in checked.findings]
        return tuple(sorted(found, key=lambda item: list(Severity).index(item[1].severity)))

    def follows(self, finding: Finding) -> bool:
        """Whether `finding` may only follow from what the conclusion names, so that its advice waits."""
        return finding.text in {text for _, text in self.conclusion.follows}

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo diagnose --json` prints; the verdict without its advice, which the conclusion gives."""
        verdict = self.verdict
        return {
            "origin": self.origin,
            "conclusion": {**asdict(self.conclusion), "follows": list(self.conclusion.checks_that_follow)},
            "verdict": None if verdict is None else {"kind": verdict.kind.value, "evidence": verdict.evidence},
            "findings": [
                {"check": name, **asdict(one), "cause": one.cause.name.lower(), "follows": self.follows(one)}
                for name, one in self.findings
            ],
            "checks": {name: checked.to_json() for name, checked in self.checked.items()},
        }


def diagnose(
    subject: Subject,
    origin: str = "",
    *,
    checks: Iterable[str] = (),
    verdict: Verdict | None = None,
    progress: Progress = lambda name, done, total: None,
) -> Diagnosis:
    """Make the named checks, all where none is named; `progress` is told (name, done, all) before each.

    Where the model does not answer rightly, the checks that rest on it are left out. The random numbers of the caller
    are left alone, and nothing is written anywhere.

    Raises:
        SpaceError: there is no check of such a name.
        TrainingError: the model cannot be built.
    """
    checked = dict(_checked(subject, choose_checks(checks), progress))
    return Diagnosis(origin, checked, conclude(checked, subject.config, verdict), verdict)


def _checked(subject: Subject, names: tuple[str, ...], progress: Progress) -> Iterator[tuple[str, Checked]]:
    fit: bool | None = None
    for done, name in enumerate(names):
        progress(name, done, len(names))
        check = CHECKS[name]
        if check.needs_model and fit is None:
            fit = not CHECKS["output"].run(subject).findings
        if check.needs_model and not fit:
            yield name, Checked("Left out: the model does not answer as it must.", [_unfit()])
            continue
        checked = _one(check.run, subject)
        if name == "output":
            fit = not checked.findings
        yield name, checked


def _unfit() -> Finding:
    return note("this check was left out, since the model does not answer as it must", "mend what `output` found first")


def _one(run: Callable[[Subject], Checked], subject: Subject) -> Checked:
    try:
        return run(subject)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    images = subject.config.memory.micro_batch or subject.config.data.batch_size
    setting = Setting("memory.micro_batch", max(2, images // 4))
    text, advice = "the device has not enough memory for this check", "take fewer images at a time"
    return Checked("Out of memory.", [warning(Cause.HINT, text, advice, setting)])
