"""`hpo export`, composed: a trained model -> its formats, made, tested, measured -> one folder."""

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
from .from_training import export_run
from .options import ExportOptions
from .register import register_export
from .table import formats_to_json


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """An export: its manifest, where it is, and how the model registry names it, see `RetrainResult`."""

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
    """Bring a trained model into further formats; those of an export that is extended stay.

    Raises:
        HpoError: there is no such model, its images are gone, or a base format cannot be made; nothing has changed.
    """
    home = Home.locate(options.home)
    known = choose_model(options.model, home, options.storage)
    admit_trained(known, options.trust, watcher.note)
    is_run = known.kind == "run"
    default = known.path / "export" if is_run else known.path
    target = export_target(options.out or default, default)
    home.create(watcher.note)
    watcher.busy(IMPORTING)
    pack = same_data(
        known.config.data,
        known.fingerprint,
        cache=home.cache,
        data_root=options.data_root,
        progress=watcher.stage,
        of=str(known.path),
        remedy="train anew",
    )
    # a run of `hpo train` belongs to no study, which is what MLflow knows
    stores = choose_stores(options.tracking_uri, home, known.study, watcher.note) if known.study else None
    make = export_run if is_run else extend_export
    manifest = make(known, choose_formats(options.formats), pack, target, home, watcher)
    return ExportOutcome(manifest, target, *register_export(manifest, target, stores, home, pack, watcher))
