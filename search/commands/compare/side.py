"""One side of a comparison: a study with its exported winner, or an export by itself. No torch."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from ....errors import ExportError
from ....studies import attributes
from ....studies.home import Home
from ....studies.records.reader import open_to_read
from ....studies.records.study import StudySummary
from ....studies.records.summarise import summarise
from ....studies.records.timeline import Moment, timeline
from ....studies.study_name import is_study_name
from ....training.export.export_folder import ExportFolder
from ....training.export.manifest import MANIFEST
from ....training.export.predictions import Predictions


@dataclass(frozen=True, slots=True)
class Side:
    """What is compared, as `name`.

    `summary` and the ends of the complete trials (`moments`) of a study, None and () for an export by itself; `export`
    is None for a study whose winner was not exported; `predictions` those on the test images, else `untested` says why
    there are none; `fingerprint` is of the packed data, "" where another program made the study.
    """

    name: str
    summary: StudySummary | None
    moments: tuple[Moment, ...]
    export: ExportFolder | None
    predictions: Predictions | None
    untested: str
    fingerprint: str

    @property
    def space(self) -> Mapping[str, Any] | None:
        """The canonical space of a study; None where none is on record."""
        if self.summary is None:
            return None
        try:
            space = json.loads(str(self.summary.attributes.get(attributes.SPACE, "")))
        except (ValueError, RecursionError):
            return None
        return space if isinstance(space, dict) and space.keys() >= {"fixed", "parameters"} else None

    @property
    def best(self) -> Moment | None:
        """The end of the best complete trial; None where no trial is complete."""
        return next((moment for moment in reversed(self.moments) if moment.improves), None)


def open_side(name: str, home: Home, storage: str | None) -> Side:
    """Return what `name` means: the folder of an export, or a study.

    Raises:
        StudyError: it is neither.
        ExportError: its export cannot be read.
    """
    path = Path(name).expanduser().absolute()
    # a folder first: who types a path, or stands beside one of a study's name, means it
    for folder in (path, path / "export"):
        if (folder / MANIFEST).exists():
            export, predictions, untested = _exported(folder, "")
            assert export is not None  # the folder has a manifest
            return Side(name, None, (), export, predictions, untested, export.manifest.data_fingerprint)
    if os.sep in name and path.is_dir():
        raise ExportError(f"{path} holds no export: it has no {MANIFEST}; hpo retrain-best and hpo export make one")
    return _study(name, home, storage)


def _study(name: str, home: Home, storage: str | None) -> Side:
    store = open_to_read(storage, home)
    summary = summarise(store, name)
    remedy = f"study {name} has no export; make one with: hpo retrain-best {quote(name)}"
    export, predictions, untested = (
        _exported(home.export(name), remedy) if is_study_name(name) else (None, None, remedy)
    )
    return Side(
        name=name,
        summary=summary,
        moments=timeline(store, summary),
        export=export,
        predictions=predictions,
        untested=untested,
        fingerprint=str(summary.attributes.get(attributes.DATA_FINGERPRINT, "")),
    )


def _exported(folder: Path, missing: str) -> tuple[ExportFolder | None, Predictions | None, str]:
    """The export in `folder` with its predictions, and why there are none; `missing` where there is no export."""
    if not (folder / MANIFEST).exists():
        return None, None, missing
    export = ExportFolder.open(folder)
    predictions = Predictions.of(export)
    lack = "" if predictions else f"{folder} keeps no test predictions: a version of hpo without them tested it"
    return export, predictions, lack
