"""An export in MLflow: logged, registered under its study's name, and named champion."""

from pathlib import Path

from ..errors import StudyError
from ..studies.home import Home
from ..studies.tracking.packed_model import Code
from ..studies.tracking.registry import register_model
from ..training.data.pack import Pack
from ..training.export.manifest import ExportManifest
from .export_table import formats_to_columns, formats_to_metrics
from .retrain_progress import RetrainWatcher


def register_export(
    manifest: ExportManifest, folder: Path, tracking_uri: str | None, home: Home, pack: Pack, watcher: RetrainWatcher
) -> tuple[str | None, str | None]:
    """Log the export in `folder` to MLflow and name it champion; a failure there is told and loses nothing.

    Returns:
        How the registry names it, and how it failed; neither where `tracking_uri` is "none".
    """
    if tracking_uri == "none":
        return None, None
    from ..serving.mlflow_model import CODE
    from ..training.export.pixels import as_files, sample

    watcher.note("registering in MLflow")
    try:
        registered = register_model(
            home,
            tracking_uri or home.tracking_uri,
            manifest.study,
            export_dir=folder,
            code=Code("serving.mlflow_model", CODE),
            example=as_files(sample(pack.val, 2)),
            tags={
                "study": manifest.study,
                "trial": manifest.trial,
                "config_hash": manifest.config_hash,
                "data_fingerprint": manifest.data_fingerprint,
                "model_version": manifest.model_version,
            },
            metrics=_metrics(manifest),
            table=formats_to_columns(manifest),
        )
    except StudyError as error:
        return None, str(error)
    return registered.uri, None


def _metrics(manifest: ExportManifest) -> dict[str, float]:
    numbers = manifest.metrics.model_dump(exclude={"test_interval"})
    low, high = manifest.metrics.test_interval
    metrics = {key: float(value) for key, value in numbers.items() if value is not None}
    return metrics | {"test_accuracy_low": low, "test_accuracy_high": high} | formats_to_metrics(manifest)
