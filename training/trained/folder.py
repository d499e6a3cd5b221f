"""A trained model in a folder: what it is, how to open it.

    export of `hpo retrain-best`   manifest.json, model.pt2      trained on training and validation images
    run of `hpo train`             run.json, best.ckpt           trained on training images

What a folder says is read without torch; `model.py` beside this file opens it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from ...errors import TrainingError
from ..checkpoints.training_folder import RUN, TrainingFolder
from ..config import TrialConfig
from ..data.preprocessing import Preprocessing
from ..export.manifest import MANIFEST, ExportManifest
from ..metrics.calibration import Calibration

Kind = Literal["export", "run"]


@dataclass(frozen=True, slots=True)
class Trained:
    """What is known of the trained model in directory `path`.

    Attributes:
        path: the folder.
        kind: "export" or "run", see above.
        config: of its training.
        class_names: in the order of the logits.
        preprocessing: what an image becomes before the model sees it.
        calibration: its temperature, None where none was fitted.
        fingerprint: of the packed data it was trained on.
        source: the name of that data.
        study, trial: which it is the winner of; None for a run, exported or not.
        model_source: the SHA-256 of the user's model that a run is of; empty for others.
    """

    path: Path
    kind: Kind
    config: TrialConfig
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    calibration: Calibration | None
    fingerprint: str
    source: str
    study: str | None = None
    trial: int | None = None
    model_source: str = ""

    @classmethod
    def describe(cls, path: Path) -> Self:
        """The trained model in `path`.

        Raises:
            TrainingError: there is none, or a run's files cannot be read.
            ExportError: the manifest of an export cannot be read.
        """
        if (path / MANIFEST).exists():
            return cls._of_export(path, ExportManifest.read(path))
        if TrainingFolder.is_one(path):
            return cls._of_run(TrainingFolder.open(path))
        raise TrainingError(
            f"{path} holds no trained model: neither {MANIFEST} of `hpo retrain-best` nor {RUN} of `hpo train`"
        )

    @staticmethod
    def is_one(path: Path) -> bool:
        """Whether there is a trained model in `path`."""
        return (path / MANIFEST).exists() or TrainingFolder.is_one(path)

    @property
    def temperature(self) -> float:
        """What logits are divided by; 1 where no temperature was fitted."""
        return self.calibration.temperature if self.calibration else 1.0

    @classmethod
    def _of_export(cls, path: Path, manifest: ExportManifest) -> Self:
        return cls(
            path,
            "export",
            manifest.config,
            manifest.class_names,
            manifest.preprocessing,
            manifest.calibration,
            manifest.data_fingerprint,
            manifest.data_source,
            manifest.study if manifest.trial is not None else None,
            manifest.trial,
        )

    @classmethod
    def _of_run(cls, run: TrainingFolder) -> Self:
        return cls(
            run.path,
            "run",
            run.config,
            run.class_names,
            run.preprocessing,
            run.calibration,
            run.fingerprint,
            run.source,
            model_source=run.model_source,
        )
