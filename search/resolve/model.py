"""Which trained model `hpo evaluate` and `hpo predict` mean: a folder, or a study whose winner was exported."""

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from ...common.cores import available_cores
from ...errors import StudyError, nearest
from ...studies.home import Home
from ...studies.study_name import is_study_name
from ...training.trained.folder import Trained
from .trust import Note, trust_trained

if TYPE_CHECKING:
    from ...training.trained.model import TrainedModel


def choose_model(model: str, home: Home, storage: str | None = None) -> Trained:
    """The trained model that `model` means: an export, a run of `hpo train`, or a study by name or folder.

    Raises:
        StudyError: it is neither a folder nor a study, or the study has no export yet.
        TrainingError, ExportError: the folder holds no trained model, or one that cannot be read.
    """
    path = Path(model).expanduser().absolute()
    studies = (home.export(model),) if is_study_name(model) else ()
    for place in (path, path / "export", *studies):
        if Trained.is_one(place):
            return Trained.describe(place)
    if path.is_dir() or os.sep in model:
        if not path.exists():
            raise StudyError(f"{path} does not exist; give the folder of a trained model, or the name of a study")
        return Trained.describe(path)
    raise StudyError(_no_export(model, home, storage))


def open_model(known: Trained, device: str, trust: bool, note: Note) -> "TrainedModel":
    """The model of `known` on the device that `device` means; torch is needed for it.

    Raises:
        TrustError: the file of its model is not on record, and there is no `trust`.
        TrainingError, ExportError: it cannot be opened, or there is no such device.
    """
    from ...training.machine.device import choose_device

    trust_trained(known, trust, note)
    model = known.open(choose_device(device, available_cores()))
    if model.note:
        note(model.note)
    return model


def openings_log(known: Trained, home: Home) -> Path:
    """Where openings of the test split of the data of `known` are logged.

    Runs of `hpo train` in one home share a log: whoever tries one after the other on it searches by it.
    """
    return (home.study(known.study) if known.study else home.single_runs) / "test_openings.jsonl"


def _no_export(study: str, home: Home, storage: str | None) -> str:
    from ...studies.records.lookup import study_names
    from ...studies.store.storage import open_existing

    try:
        names = study_names(open_existing(storage, home))
    except StudyError:
        names = ()
    if study in names:
        return (
            f"study {study} has no export in {home.export(study)} yet; make one with: hpo retrain-best {quote(study)}"
        )
    tail = nearest(study, names) if names else f"{home.root} holds no studies"
    return f"{study!r} is neither a folder of a trained model nor a study; {tail}"
