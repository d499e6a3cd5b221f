"""`hpo diagnose`: what ails a configuration, or a run."""

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
    """Look for what keeps a run from learning: data, labels, model, gradients, learning rate; each with what to try.

    A space is taken with the prior, else the middle, of each dimension. The run itself is not touched.
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

    console, found = stdout(), outcome.diagnosis
    console.print(found.origin)
    view = table("check", "what was measured")
    for name, checked in found.checked.items():
        view.add_row(name, checked.summary)
    console.print(view)
    for line in _lines(outcome):
        console.print(line, soft_wrap=True)  # what can be pasted stays on one line


def _lines(outcome: "DiagnoseOutcome") -> Iterator[str]:
    """The conclusion, then what else was found, without the advice that waits for it."""
    found, conclusion = outcome.diagnosis, outcome.diagnosis.conclusion
    yield f"conclusion: {conclusion.text}"
    for text in (conclusion.advice, conclusion.rate):
        if text:
            yield f"  -> {text}"
    if outcome.command:
        yield f"  try: {outcome.command}"
    if found.verdict is not None:
        yield f"verdict on the run: {found.verdict.kind.value}: {found.verdict.evidence}"
    for name, finding in found.findings:
        if finding.text == conclusion.text:
            continue
        yield f"{finding.severity.value} ({name}): {finding.text}"
        if found.follows(finding):
            yield "  -> may follow from the conclusion; diagnose again after that"
        else:
            yield "  -> " + "  ".join(filter(None, (finding.advice, outcome.flags(finding.settings))))
    if outcome.dimension is not None:
        yield f"worth searching:  {outcome.dimension.flags}"
    if outcome.yaml:
        yield "or in the space file:"
        yield from (f"  {line}" for line in outcome.yaml.splitlines())
