"""`hpo infer-check`: an export's files and formats, checked on this machine."""

from typing import TYPE_CHECKING

import typer

from ...common.rounding import beside
from ..commands.infer_check.options import InferCheckOptions
from .common import JsonOption, command, print_json, say

if TYPE_CHECKING:
    from ..commands.infer_check.infer_check import FormatCheck


@command
def infer_check(options: InferCheckOptions, json: JsonOption = False) -> None:
    """Verify an export's checksums, and every format against its kept answers.

    Torch is loaded only where a format needs it. Exit code 1 where something does not hold, 2 where something was not
    tried: it may run code, and was not made here.
    """
    from ...errors import TrustError
    from ..commands.infer_check.infer_check import infer_check as check

    folder = options.folder
    result = check(folder, options.trust, say)
    if json:
        print_json(result.to_json())
    else:
        from .tables import stdout, table

        view = table("format", "", "logits differ by", "at most", "same class", "torch")
        for format_check in result.formats:
            view.add_row(format_check.name, *_row(format_check))
        view.caption = f"{result.files} files are as described; compared on the sample images of the export"
        view.caption_justify = "left"
        stdout().print(view)
    if result.refused:
        # after the table, which shows what was tried
        raise TrustError(f"{folder}: {', '.join(result.refused)}: may run code that was not made here, so not tried")
    if not result.holds:
        raise typer.Exit(1)


def _row(format_check: "FormatCheck") -> tuple[str, ...]:
    if format_check.answer is None:
        return "not tried" if format_check.refused else "fails", format_check.error, "", "", ""
    answer = format_check.answer
    state, loaded = "ok" if format_check.holds else "differs", "loaded" if answer["torch"] else "none"
    same, _ = beside(answer["top1_agreement"], 1, ".0%")
    return state, *beside(answer["max_abs_diff"], answer["limit"], ".1e"), same, loaded
