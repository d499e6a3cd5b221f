"""`hpo export-study` and `hpo import-study`: a study on the move."""

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

from ...common.plural import plural
from ..commands.export_study.options import ExportStudyOptions
from ..commands.import_study.options import ImportStudyOptions
from .common import JsonOption, command, print_json, say, tell

if TYPE_CHECKING:
    from ...studies.transfer.transfer import Transfer


@command
def export_study(options: ExportStudyOptions, json: JsonOption = False) -> None:
    """Write a study to a file: all of its store, with attached files and checkpoints.

    It may run meanwhile; what runs is in line again where the file is imported.
    """
    from ..commands.export_study.export_study import export_study as export

    moved = export(options, say)
    if json:
        print_json(_facts(moved))
        return
    tell(f"study {moved.study}: {_content(moved)} -> {moved.path}")
    tell(f"hpo import-study {shlex.quote(str(moved.path))} brings it into another home or store")


@command
def import_study(options: ImportStudyOptions, json: JsonOption = False) -> None:
    """Bring a study in: from a file of export-study, or from another Optuna store.

    It is read again before it counts: as many rows as there were, of the same checksum.
    """
    from ..commands.import_study.import_study import import_study as bring_in

    moved = bring_in(options)
    if json:
        print_json(_facts(moved))
        return
    tell(f"study {moved.study}: {_content(moved)}, all as they were")
    if moved.in_line:
        tell(f"{moved.in_line} of them ran there, and are in line again here")


def _content(moved: "Transfer") -> str:
    from ..progress.format import disk_size

    counts = moved.counts
    files = f", {plural(moved.files, 'file')} of {disk_size(moved.size)}" if moved.files else ""
    return f"{plural(counts['trials'], 'trial')} with {plural(counts['epochs'], 'epoch')}{files}"


def _facts(moved: "Transfer") -> dict[str, object]:
    return {**asdict(moved), "path": None if moved.path is None else str(moved.path), "counts": dict(moved.counts)}
