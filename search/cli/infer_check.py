"""`hpo infer-check`: is this export whole, and does each of its formats run here and answer as it did?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...rounding import beside
from .common import JsonOption, command, print_json

if TYPE_CHECKING:
    from ..infer_check import FormatCheck


@command
def infer_check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An export of hpo retrain-best or hpo export.")],
    json: JsonOption = False,
) -> None:
    """Verify checksums, run every format, compare with the kept answers; without torch where none is needed.

    Exit code 1 where something does not hold.
    """
    from ..infer_check import infer_check as check

    found = check(folder)
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
    if not found.holds:
        raise typer.Exit(1)


def _row(one: "FormatCheck") -> tuple[str, ...]:
    if one.found is None:
        return "fails", one.error, "", "", ""
    found = one.found
    state, loaded = "ok" if one.holds else "differs", "loaded" if found["torch"] else "none"
    same, _ = beside(found["top1_agreement"], 1, ".0%")
    return state, *beside(found["max_abs_diff"], found["limit"], ".1e"), same, loaded
