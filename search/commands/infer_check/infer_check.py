"""`hpo infer-check`, composed: checksums, then every format in a process of its own, on sample images."""

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

_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class FormatCheck:
    """One format: `found` is what training/export/check.py printed of it, None where it failed with `error`.

    `refused` where it was not tried: loading it may run code, and the export is not on record.
    """

    name: str
    needs_torch: bool
    found: dict[str, Any] | None
    error: str = ""
    refused: bool = False

    @property
    def holds(self) -> bool:
        """Whether it runs and answers as it did."""
        return self.found is not None and bool(self.found["holds"])


@dataclass(frozen=True, slots=True)
class InferCheck:
    """An export whose files are those described: how many, and each of its formats."""

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
            | (check.found or {})
            for check in self.formats
        }
        return {"folder": str(self.folder), "holds": self.holds, "files": self.files, "formats": formats}


def infer_check(folder: Path, trust: bool, note: Note) -> InferCheck:
    """Check the export in `folder`; this process loads no model and no torch.

    With `trust` all its formats are run, else those alone that are data, where the export is not on record.

    Raises:
        ExportError: it is no export, a file is missing or another, or it was made before formats were measured.
    """
    export = ExportFolder.open(folder)
    trust_export(export, trust, note)
    manifest = export.manifest
    manifest.check_files(folder)
    if not manifest.formats:
        raise ExportError(f"{folder}: has no sample images to compare on; `hpo export {folder}` adds them")
    checks = tuple(_check(folder, name, report.needs_torch) for name, report in manifest.formats.items())
    return InferCheck(folder, len(manifest.files), checks)


def _check(folder: Path, name: str, needs_torch: bool) -> FormatCheck:
    what, pipe = (str(folder.absolute()), name, *allowed_here()), subprocess.PIPE
    with start_python("hpo.training.export.check", *what, text=True, stdout=pipe, stderr=pipe) as child:
        try:
            told, errors = child.communicate(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            return FormatCheck(name, needs_torch, None, f"gives no answer within {_TIMEOUT_S} s")
    if child.returncode:
        lines = errors.strip().splitlines() or [f"ended with exit code {child.returncode}"]
        return FormatCheck(name, needs_torch, None, lines[-1])
    answer = json.loads(told)
    if "refused" in answer:
        return FormatCheck(name, needs_torch, None, answer["refused"], refused=True)
    return FormatCheck(name, needs_torch, answer)
