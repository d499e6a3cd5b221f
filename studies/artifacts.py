"""Files attached to a finished trial, as optuna-dashboard shows them."""

import json
import mimetypes
import uuid
from collections.abc import Mapping
from pathlib import Path

from optuna.artifacts import FileSystemArtifactStore
from optuna.storages import BaseStorage

from ..errors import StudyError


def attach(storage: BaseStorage, study: str, trial: int, files: Mapping[str, Path], folder: Path) -> None:
    """Attach `files` to a trial, copied into the artifact store in `folder`.

    Their keys are the names that the dashboard shows. A file of the same name on the same trial is replaced.

    note: `optuna.artifacts.upload_artifact` writes to the trial itself, which Optuna allows while it runs and not
    after. The dashboard also looks for a trial's files among the attributes of its study, under the keys below.

    Raises:
        StudyError: no such study or trial, or the files cannot be copied.
    """
    try:
        study_id = storage.get_study_id_from_name(study)
        trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, trial)
    except KeyError as error:
        raise StudyError(f"there is no trial {trial} in a study {study!r}") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        store = FileSystemArtifactStore(folder)
        for name, path in files.items():
            # the same name on the same trial gives the same id, so that a file is replaced and not added
            artifact = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{study}/{trial}/{name}"))
            with path.open("rb") as content:
                store.write(artifact, content)
            kind, encoding = mimetypes.guess_type(name)
            meta = {"artifact_id": artifact, "filename": name, "mimetype": kind, "encoding": encoding}
            storage.set_study_system_attr(study_id, f"dashboard:artifacts:{trial_id}:{artifact}", json.dumps(meta))
    except OSError as error:
        raise StudyError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error
