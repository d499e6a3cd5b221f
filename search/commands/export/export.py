"""`hpo export`, composed: trained model -> formats -> one folder.

Each format is made, tested and measured.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....studies.home import Home
from ....studies.tracking.mlflow.stores import choose_stores
from ....training.export.formats.registry import choose_formats
from ....training.export.manifest import ExportManifest
from ....training.report import IMPORTING
from ...progress.single import RetrainWatcher
from ...resolve.model import choose_model
from ...resolve.pack import same_data
from ...resolve.trust import admit_trained
from ..retrain.retrain import export_target
from .extend import extend_export
from .from_training import export_training
from .options import ExportOptions
from .register import register_export
from .table import formats_to_json


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """An export: its manifest, its folder and its registration.

    The fields of the registration are those of `RetrainResult`.
    """

    manifest: ExportManifest
    export_dir: Path
    registered: str | None = None
    registry: str | None = None
    registry_error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo export --json` prints."""
        return {
            "study": self.manifest.study,
            "trial": self.manifest.trial,
            "model_version": self.manifest.model_version,
            **self.manifest.metrics.model_dump(mode="json"),
            **formats_to_json(self.manifest),
            "export_dir": str(self.export_dir),
            "registered": self.registered,
            "registry": self.registry,
            "registry_error": self.registry_error,
        }


def export(options: ExportOptions, watcher: RetrainWatcher) -> ExportOutcome:
    """Bring a trained model into further formats.

    An export that is extended keeps those it has.

    Raises:
        HpoError: there is no such model, its images are gone, or a base format cannot be made; nothing has changed.
    """
    home = Home.locate(options.home)
    trained = choose_model(options.model, home, options.storage)
    admit_trained(trained, options.trust, watcher.note)  # before anything of the model is loaded: that may run code
    is_training = trained.kind == "run"
    default = trained.path / "export" if is_training else trained.path
    target = export_target(options.out or default, default)
    home.create(watcher.note)
    watcher.busy(IMPORTING)
    pack = same_data(
        trained.config.data,
        trained.fingerprint,
        cache=home.cache,
        data_root=options.data_root,
        progress=watcher.stage,
        of=str(trained.path),
        remedy="train anew",
    )
    # a training of `hpo train` belongs to no study, under whose name MLflow would have it
    stores = choose_stores(options.tracking_uri, home, trained.study, watcher.note) if trained.study else None
    make = export_training if is_training else extend_export
    manifest = make(trained, choose_formats(options.formats), pack, target, home, watcher)
    return ExportOutcome(manifest, target, *register_export(manifest, target, stores, home, pack, watcher))
