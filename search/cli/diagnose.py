"""`hpo diagnose`: the faults of a configuration or a training."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..commands.diagnose.options import DiagnoseOptions
from .common import JsonOption, command, print_json, say

if TYPE_CHECKING:
    from ..commands.diagnose.diagnose import DiagnoseOutcome


@command
def diagnose(
    options: DiagnoseOptions,
    html: Annotated[Path | None, typer.Option(help="Write a page with charts to this file.")] = None,
    json: JsonOption = False,
) -> None:
    """Look for what keeps a training from learning, and what to try.

    Data, labels, model, gradients and learning rate are checked. A space is taken with the prior, else the middle, of
    each dimension. The training itself is not touched.
    """
    from contextlib import closing

    from ..commands.diagnose.diagnose import diagnose as examine
    from ..progress.single import watcher

    with closing(watcher()) as view:
        outcome = examine(options, view)
    if html is not None:
        from ...studies.files import write_text

        write_text(html, outcome.html())
        say(f"written: {html}")
        for note in outcome.font_notes:
            say(note)
    print_json(outcome.to_json()) if json else _show(outcome)


def _show(outcome: "DiagnoseOutcome") -> None:
    from .tables import stdout, table

    console, diagnosis = stdout(), outcome.diagnosis
    console.print(diagnosis.origin)
    view = table("check", "what was measured")
    for name, checked in diagnosis.checked.items():
        view.add_row(name, checked.summary)
    console.print(view)
    for line in _lines(outcome):
        console.print(line, soft_wrap=True)  # what can be pasted stays on one line


def _lines(outcome: "DiagnoseOutcome") -> Iterator[str]:
    """Yield the conclusion, then the other findings.

    Advice that waits for the conclusion is left out.
    """
    diagnosis, conclusion = outcome.diagnosis, outcome.diagnosis.conclusion
    yield f"conclusion: {conclusion.text}"
    for text in (conclusion.advice, conclusion.rate):
        if text:
            yield f"  -> {text}"
    if outcome.command:
        yield f"  try: {outcome.command}"
    if diagnosis.verdict is not None:
        yield f"verdict on the run: {diagnosis.verdict.kind.value}: {diagnosis.verdict.evidence}"
    for name, finding in diagnosis.findings:
        if finding.text == conclusion.text:  # already said
            continue
        yield f"{finding.severity.value} ({name}): {finding.text}"
        if diagnosis.follows(finding):
            yield "  -> may follow from the conclusion; diagnose again after that"
        else:
            yield "  -> " + "  ".join(filter(None, (finding.advice, outcome.flags(finding.settings))))
    if outcome.dimension is not None:
        yield f"worth searching:  {outcome.dimension.flags}"
    if outcome.yaml:
        yield "or in the space file:"
        yield from (f"  {line}" for line in outcome.yaml.splitlines())
