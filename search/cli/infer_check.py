"""`hpo infer-check`: is this export whole, and does each of its formats run here and answer as it did?"""

from typing import TYPE_CHECKING

import typer

from ...common.rounding import beside
from ..commands.infer_check.options import InferCheckOptions
from .common import JsonOption, command, print_json, say

if TYPE_CHECKING:
    from ..commands.infer_check.infer_check import FormatCheck


@command
def infer_check(options: InferCheckOptions, json: JsonOption = False) -> None:
    """Verify checksums, run every format, compare with the kept answers; without torch where none is needed.

    Exit code 1 where something does not hold, 2 where something was not tried: it may run code, and was not made here.
    """
    from ...errors import TrustError
    from ..commands.infer_check.infer_check import infer_check as check

    folder = options.folder
    found = check(folder, options.trust, say)
    if json:
        print_json(found.to_json())
    else:
        from .tables import stdout, table

        view = table("format", "", "logits differ by", "at most", "same class", "torch")
        for one in found.formats:
            view.add_row(one.name, *_row(one))
        view.caption = f"{found.files} files are as described; compared on the sample images of the export"
        view.caption_justify = "left"
        stdout().print(view)
    if found.refused:
        raise TrustError(f"{folder}: {', '.join(found.refused)}: may run code that was not made here, so not tried")
    if not found.holds:
        raise typer.Exit(1)


def _row(one: "FormatCheck") -> tuple[str, ...]:
    if one.found is None:
        return "not tried" if one.refused else "fails", one.error, "", "", ""
    found = one.found
    state, loaded = "ok" if one.holds else "differs", "loaded" if found["torch"] else "none"
    same, _ = beside(found["top1_agreement"], 1, ".0%")
    return state, *beside(found["max_abs_diff"], found["limit"], ".1e"), same, loaded
