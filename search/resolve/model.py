"""The trained model of `hpo evaluate` and `hpo predict`.

The user names a folder, or a study whose winner was exported.
"""

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
    """Find the trained model that `model` names.

    It is an export, a run of `hpo train`, or a study by name or folder.

    Raises:
        StudyError: it is neither a folder nor a study, or the study has no export yet.
        TrainingError, ExportError: the folder holds no trained model, or one that cannot be read.
    """
    path = Path(model).expanduser().absolute()
    studies = (home.export(model),) if is_study_name(model) else ()  # a path is no study's name
    # a folder first: who types a path, or stands beside one of a study's name, means it
    for folder in (path, path / "export", *studies):
        if Trained.is_one(folder):
            return Trained.describe(folder)
    if path.is_dir() or os.sep in model:
        if not path.exists():
            raise StudyError(f"{path} does not exist; give the folder of a trained model, or the name of a study")
        return Trained.describe(path)  # raises with what is missing in it
    raise StudyError(_no_export(model, home, storage))


def open_model(trained: Trained, device: str, trust: bool, note: Note) -> "TrainedModel":
    """Open a trained model on the device that `device` names.

    Raises:
        TrustError: the file of its model is not on record, and there is no `trust`.
        TrainingError, ExportError: it cannot be opened, or there is no such device.
    """
    from ...training.machine.device import choose_device  # brings torch
    from ...training.trained.model import open_trained

    trust_trained(trained, trust, note)  # before anything of it is loaded
    model = open_trained(trained, choose_device(device, available_cores()))
    if model.note:
        note(model.note)
    return model


def openings_log(trained: Trained, home: Home) -> Path:
    """The log of openings of the test split of a model's data.

    Runs of `hpo train` in one home share a log: whoever tries one after the other on it searches by it.
    """
    return (home.study(trained.study) if trained.study else home.single_runs) / "test_openings.jsonl"


def _no_export(study: str, home: Home, storage: str | None) -> str:
    from ...studies.records.lookup import study_names
    from ...studies.store.storage import open_existing

    try:
        names = study_names(open_existing(storage, home))
    except StudyError:  # there is no store: the message is about the model all the same
        names = ()
    if study in names:
        return (
            f"study {study} has no export in {home.export(study)} yet; make one with: hpo retrain-best {quote(study)}"
        )
    tail = nearest(study, names) if names else f"{home.root} holds no studies"
    return f"{study!r} is neither a folder of a trained model nor a study; {tail}"
