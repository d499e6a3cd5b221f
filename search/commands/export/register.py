"""An export in MLflow: logged, registered under its study, named champion."""

from pathlib import Path

from ....common.masking import masked
from ....errors import StudyError
from ....studies.home import Home
from ....studies.tracking.mlflow.model_registry import register_model
from ....studies.tracking.mlflow.packed_model import Code
from ....studies.tracking.mlflow.stores import Stores, keep_stores, kept_stores
from ....studies.tracking.mlflow_tracker import ship_pending
from ....training.data.pack import Pack
from ....training.export.manifest import ExportManifest
from ...progress.single import RetrainWatcher
from .table import formats_to_columns, formats_to_metrics


def register_export(
    manifest: ExportManifest, folder: Path, stores: Stores | None, home: Home, pack: Pack, watcher: RetrainWatcher
) -> tuple[str | None, str | None, str | None]:
    """Log and register an export in MLflow, and name it champion.

    A failure there is returned, not raised: it loses nothing. What earlier runs of the study have left unsent goes
    first. A study that MLflow did not know yet is kept in `stores` from then on.

    Returns:
        How the registry names the model, which registry that is, and how it failed; no failure where `stores` is None.
    """
    if stores is None:
        return None, None, None
    from ....serving.mlflow_model import CODE
    from ....training.export.pixels import as_files, sample

    watcher.note("registering in MLflow")
    try:
        ship_pending(home, manifest.study, stores.tracking, watcher.note)
        registered = register_model(
            home,
            stores,
            manifest.study,
            export_dir=folder,
            code=Code("serving.mlflow_model", CODE),
            example=as_files(sample(pack.val, 2)),  # two images are enough to show what a request looks like
            tags={
                "study": manifest.study,
                "trial": manifest.trial,
                "config_hash": manifest.config_hash,
                "data_fingerprint": manifest.data_fingerprint,
                "model_version": manifest.model_version,
            },
            metrics=metrics_to_numbers(manifest),
            table=formats_to_columns(manifest),
        )
        # only after MLflow has taken it: stores that failed are not tried again unasked
        if kept_stores(home, manifest.study) is None:
            keep_stores(home, manifest.study, stores)
    except StudyError as error:
        return None, None, str(error)
    return registered.uri, masked(registered.stores.registry), None


def metrics_to_numbers(manifest: ExportManifest) -> dict[str, float]:
    """Return the measurements of an export, by the names in trackers."""
    numbers = manifest.metrics.model_dump(exclude={"val_interval", "test_interval"})
    low, high = manifest.metrics.test_interval
    metrics = {key: float(value) for key, value in numbers.items() if value is not None}
    tested = {"test_accuracy_low": low, "test_accuracy_high": high}
    return metrics | tested | _race_to_metrics(manifest) | formats_to_metrics(manifest)


def _race_to_metrics(manifest: ExportManifest) -> dict[str, float]:
    """What a race showed of the exported trial, under `race/<measure>`."""
    if manifest.selection is None or (race := manifest.selection.race) is None:
        return {}
    measures = race.winner.model_dump(include={"selected", "mean", "optimism", "probability"})
    return {f"race/{name}": value for name, value in measures.items() if value is not None}
