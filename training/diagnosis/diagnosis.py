"""A diagnosis: checks made one after the other, and their conclusion."""

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
    """The result of all checks.

    `origin` says what was diagnosed, `checked` what each check found, by name; `verdict` is that on the history of the
    training, None where there is none. `conclusion` is what to do first; where it and a finding differ, it decides.
    """

    origin: str
    checked: Mapping[str, Checked]
    conclusion: Conclusion
    verdict: Verdict | None = None

    @property
    def findings(self) -> tuple[tuple[str, Finding], ...]:
        """Each finding with the name of its check, the gravest first."""
        findings = [(name, finding) for name, checked in self.checked.items() for finding in checked.findings]
        return tuple(sorted(findings, key=lambda item: list(Severity).index(item[1].severity)))

    def follows(self, finding: Finding) -> bool:
        """Whether `finding` may only follow from the conclusion's cause.

        Its advice then waits.
        """
        return finding.text in {text for _, text in self.conclusion.follows}

    def to_json(self) -> dict[str, Any]:
        """Return the object that `hpo diagnose --json` prints.

        The verdict is without its advice, which the conclusion gives.
        """
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
    """Make the named checks, all where none is named.

    `progress` is called with (name, done, all) before each.

    Where the model does not answer rightly, the checks that need its answers are left out. The random numbers of the
    caller are left alone, and nothing is written anywhere.

    Raises:
        SpaceError: there is no check of such a name.
        TrainingError: the model cannot be built.
    """
    checked = dict(_checked(subject, choose_checks(checks), progress))
    return Diagnosis(origin, checked, conclude(checked, subject.config, verdict), verdict)


def _checked(subject: Subject, names: tuple[str, ...], progress: Progress) -> Iterator[tuple[str, Checked]]:
    model_answers: bool | None = None
    for done, name in enumerate(names):
        progress(name, done, len(names))
        check = CHECKS.find(name)
        if check.needs_model and model_answers is None:
            model_answers = not CHECKS.find("output").run(subject).findings
        if check.needs_model and not model_answers:
            yield name, Checked("Left out: the model does not answer as it must.", [_left_out()])
            continue
        checked = _run_check(check.run, subject)
        if name == "output":
            model_answers = not checked.findings
        yield name, checked


def _left_out() -> Finding:
    return note("this check was left out, since the model does not answer as it must", "mend what `output` found first")


def _run_check(run: Callable[[Subject], Checked], subject: Subject) -> Checked:
    try:
        return run(subject)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    images = subject.config.memory.micro_batch or subject.config.data.batch_size
    setting = Setting("memory.micro_batch", max(2, images // 4))
    text, advice = "the device has not enough memory for this check", "take fewer images at a time"
    return Checked("Out of memory.", [warning(Cause.HINT, text, advice, setting)])
