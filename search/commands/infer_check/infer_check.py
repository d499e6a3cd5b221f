"""`hpo infer-check`, composed: checksums, then every format on sample images.

Each format runs in a process of its own.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....common.children import start_python
from ....common.trust import allowed_here
from ....errors import ExportError
from ....training.export.export_folder import ExportFolder
from ...resolve.trust import Note, trust_export

_TIMEOUT_S = 600  # for one format: a guard against one that hangs, far above what loading takes


@dataclass(frozen=True, slots=True)
class FormatCheck:
    """The check of one format.

    `answer` is what training/export/check.py printed of it, None where it failed with `error`. `refused` where it was
    not tried: loading it may run code, and the export is not on record.
    """

    name: str
    needs_torch: bool
    answer: dict[str, Any] | None
    error: str = ""
    refused: bool = False

    @property
    def holds(self) -> bool:
        """Whether the format runs and answers as at its export."""
        return self.answer is not None and bool(self.answer["holds"])


@dataclass(frozen=True, slots=True)
class InferCheck:
    """The check of a whole export, whose files are those described.

    `files` is how many there are.
    """

    folder: Path
    files: int
    formats: tuple[FormatCheck, ...]

    @property
    def refused(self) -> tuple[str, ...]:
        """The formats that were not tried."""
        return tuple(check.name for check in self.formats if check.refused)

    @property
    def holds(self) -> bool:
        """Whether every format holds; one that was not tried does not."""
        return all(check.holds for check in self.formats)

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo infer-check --json` prints."""
        formats = {
            check.name: {
                "holds": check.holds,
                "needs_torch": check.needs_torch,
                "error": check.error,
                "refused": check.refused,
            }
            | (check.answer or {})
            for check in self.formats
        }
        return {"folder": str(self.folder), "holds": self.holds, "files": self.files, "formats": formats}


def infer_check(folder: Path, trust: bool, note: Note) -> InferCheck:
    """Check the files and every format of the export in `folder`.

    This process loads no model and no torch. With `trust` all its formats are run, else those alone that are data,
    where the export is not on record.

    Raises:
        ExportError: it is no export, a file is missing or another, or it was made before formats were measured.
    """
    export = ExportFolder.open(folder)
    trust_export(export, trust, note)
    manifest = export.manifest
    manifest.check_files(folder)
    if not manifest.formats:
        raise ExportError(f"{folder}: has no sample images to compare on; `hpo export {folder}` adds them")
    # a process each: what one format loads, or breaks, cannot reach the next
    checks = tuple(_check(folder, name, report.needs_torch) for name, report in manifest.formats.items())
    return InferCheck(folder, len(manifest.files), checks)


def _check(folder: Path, name: str, needs_torch: bool) -> FormatCheck:
    # the child is told what `trust` has allowed here
    arguments, pipe = (str(folder.absolute()), name, *allowed_here()), subprocess.PIPE
    with start_python("hpo.training.export.check", *arguments, text=True, stdout=pipe, stderr=pipe) as child:
        try:
            output, errors = child.communicate(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            return FormatCheck(name, needs_torch, None, f"gives no answer within {_TIMEOUT_S} s")
    if child.returncode:
        # the last line of a traceback says what happened
        lines = errors.strip().splitlines() or [f"ended with exit code {child.returncode}"]
        return FormatCheck(name, needs_torch, None, lines[-1])
    answer = json.loads(output)
    if "refused" in answer:
        return FormatCheck(name, needs_torch, None, answer["refused"], refused=True)
    return FormatCheck(name, needs_torch, answer)
