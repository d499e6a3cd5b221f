"""What a report is made of: a study's record, and what lies in its home beside it. No torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ....common.bounded import JSON_BYTES, read_bytes
from ....errors import HpoError
from ....studies import attributes
from ....studies.files import SPACE_FILE, STUDY_FILE
from ....studies.home import Home
from ....studies.records.readable import Readable
from ....studies.records.study import StudySummary
from ....studies.records.summarise import summarise
from ....studies.records.timeline import Moment, timeline
from ....studies.records.trial import TrialRecord
from ....studies.study_name import is_study_name
from ....training.data.pack import Pack
from ....training.data.store import Store
from ....training.evaluation.kept import Kept, kept_evaluations
from ....training.export.export_folder import ExportFolder
from ....training.export.manifest import MANIFEST
from ....training.export.predictions import Predictions

EVALUATIONS = 3
"""How many evaluations of the winner are read: each may bring a picture."""


@dataclass(frozen=True, slots=True)
class Winner:
    """The exported winner: `predictions` are None where a version before made it, `notes` say what cannot be read."""

    export: ExportFolder
    predictions: Predictions | None
    evaluations: Sequence[Kept]
    notes: Sequence[str]


@dataclass(frozen=True)
class Material:
    """A study with all that its report may show.

    `moments` are the ends of its complete trials, those of hpo where it ran any; `space` the text of its space file, ""
    where it is not here; `noted` what the newest run noted of itself, {} where that was elsewhere; `pack` its packed
    data, None where they are not here; `looks` how often its test images were looked at, None where no log is here;
    `winner` its export, None without one, `no_winner` why one that is there cannot be read.
    """

    summary: StudySummary
    moments: tuple[Moment, ...]
    space: str
    noted: Mapping[str, Any]
    pack: Pack | None
    looks: int | None
    winner: Winner | None
    no_winner: str

    @cached_property
    def dimensions(self) -> dict[str, dict[str, Any]]:
        """The dimensions of the space by key, as a study keeps them; {} where another program made the study."""
        return _entries(self.canonical.get("parameters"))

    @cached_property
    def fixed(self) -> dict[str, Any]:
        """The values of the space that every trial has, by key."""
        return {key: entry.get("value") for key, entry in _entries(self.canonical.get("fixed")).items()}

    @cached_property
    def canonical(self) -> dict[str, Any]:
        """The space as the study keeps it; {} where another program made the study."""
        return json_object(str(self.summary.attributes.get(attributes.SPACE, "")))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The parameters of the complete trials: in the order of the space, then those of another one."""
        ranked = (key for trial in self.ranked for key in trial.params)
        return tuple(dict.fromkeys((*self.dimensions, *ranked)))

    @cached_property
    def ranked(self) -> tuple[TrialRecord, ...]:
        """The complete trials, the best first, see StudySummary.ranking."""
        return self.summary.ranking()


def gather(storage: Readable, study: str, home: Home) -> Material:
    """Gather what there is of a study in its store and its home.

    Raises:
        StudyError: no such study.
    """
    summary = summarise(storage, study)
    fingerprint = str(summary.attributes.get(attributes.DATA_FINGERPRINT, ""))
    has_folder = is_study_name(study)  # no other study has one
    winner, no_winner = _winner(home.export(study)) if has_folder else (None, "")
    return Material(
        summary=summary,
        moments=timeline(storage, summary),
        space=_text(home.study(study, SPACE_FILE)) if has_folder else "",
        noted=json_object(_text(home.study(study, STUDY_FILE))) if has_folder else {},
        pack=Store(home.cache).find(fingerprint),
        looks=_looks(home.study(study, "test_openings.jsonl"), fingerprint) if has_folder else None,
        winner=winner,
        no_winner=no_winner,
    )


def _winner(folder: Path) -> tuple[Winner | None, str]:
    """The export in `folder`, or why it cannot be read; neither where there is none."""
    if not (folder / MANIFEST).exists():
        return None, ""
    try:
        export = ExportFolder.open(folder)
    except HpoError as error:
        return None, str(error)
    notes, predictions = [], None
    try:
        predictions = Predictions.of(export)
    except HpoError as error:
        notes.append(str(error))
    evaluations = [kept for kept, _ in zip(kept_evaluations(folder), range(EVALUATIONS), strict=False)]
    return Winner(export, predictions, evaluations, notes), ""


def _text(path: Path) -> str:
    """The text of a file; "" where it cannot be read."""
    try:
        return read_bytes(path, JSON_BYTES).decode(errors="replace")
    except OSError:
        return ""


def json_object(text: str) -> dict[str, Any]:
    """The JSON object in `text`; {} where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _entries(value: Any) -> dict[str, dict[str, Any]]:
    """The objects by key in `value`, which somebody may have edited."""
    return {key: entry for key, entry in value.items() if isinstance(entry, dict)} if isinstance(value, dict) else {}


def _looks(log: Path, fingerprint: str) -> int | None:
    """How many lines of the log of openings are of these data."""
    lines = _text(log).splitlines()
    return sum(json_object(line).get("fingerprint") == fingerprint for line in lines) if lines else None
