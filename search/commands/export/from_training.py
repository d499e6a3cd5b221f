"""A training of `hpo train` as an export, tested once."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ....common.bounded import JSON_BYTES, read_bytes
from ....common.cores import available_cores
from ....errors import TrainingError
from ....studies.files import versions
from ....studies.home import Home
from ....training.checkpoints.files import BEST
from ....training.checkpoints.training_folder import RESULT
from ....training.data.pack import Pack
from ....training.data.preprocessing import Preprocessing
from ....training.export.export_folder import ExportFolder
from ....training.export.format_kind import Source
from ....training.export.format_report import Verified
from ....training.export.manifest import ExportManifest, Training, config_hash, describe_files, other_files
from ....training.trained.folder import Trained
from ...progress.single import RetrainWatcher
from ...resolve.model import openings_log
from ...resolve.trust import record_export
from ..retrain.answers import AnswersKeeper
from ..retrain.export_winner import EXPORTERS, gap_in, metrics_of


def export_training(
    trained: Trained, names: Sequence[str], pack: Pack, target: Path, home: Home, watcher: RetrainWatcher
) -> ExportManifest:
    """Put the best weights of the training `trained` at `target`.

    They are exported in the formats `names`, and tested once.

    Raises:
        TrainingError: the training has not ended, or has no weights.
        ExportError: the model cannot be exported or does not verify; what is at `target` is as it was.
    """
    from ....training.checkpoints.checkpoint import load
    from ....training.evaluation.held_out import seen_by
    from ....training.export.classifier import Classifier
    from ....training.export.export import export_model
    from ....training.export.final_test import final_test
    from ....training.export.make_formats import make_formats, report_formats
    from ....training.export.promote import staged

    result = _result(trained.path)
    pack = seen_by(load(trained.path / BEST), pack)
    classifier = Classifier.from_checkpoint(trained.path / BEST, trained.config, pack)
    answers = AnswersKeeper(trained.path)
    with staged(target, other_files) as folder:
        watcher.note("exporting and verifying")
        exported = export_model(classifier, trained.config, pack, folder, trained.temperature)
        made, failed = make_formats(names, Source(folder, trained.config, pack.val), pack, {})  # no formats yet
        tested = final_test(
            classifier,
            pack,
            device="cpu",
            reason=f"export {trained.path}",
            log=openings_log(trained, home),
            kept=trained.path / "test.json",  # the same weights are not tested twice
            witness=answers.keep,
            formats={entry.key: entry.run for entry in made},
        )
        answers.put(folder)
        watcher.note("measuring")
        metrics = metrics_of(result["best"]["metrics"], pack.validated, tested)
        manifest = ExportManifest(
            study=trained.path.name,  # no study: the folder's name stands for it
            trial=None,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            model_version=exported.weights_digest[:12],
            config=trained.config,
            config_hash=config_hash(trained.config),
            params={},  # none: a training searches nothing
            data_fingerprint=pack.fingerprint,
            data_source=pack.source,
            class_names=pack.class_names,
            preprocessing=Preprocessing.of(pack),
            training=_training(result, pack, trained.config.budget.epochs),
            metrics=metrics,
            gap=gap_in(metrics, pack, 1, tested, watcher),  # 1: it was chosen among no others
            temperature=trained.temperature,
            calibration=trained.calibration,
            opset=exported.opset,
            onnx=Verified.model_validate(exported.onnx, from_attributes=True),
            program=Verified.model_validate(exported.program, from_attributes=True),
            formats=report_formats(made, folder, pack, tested.formats, tested.accuracy, available_cores()),
            failed_formats=failed,
            versions=versions() | {package: version(package) for package in EXPORTERS},
            files=dict(describe_files(folder)),
        )
        manifest.write(folder)
        record_export(ExportFolder.open(folder), watcher.note)  # before it is in place, so that no kill comes between
    return manifest


def _training(result: dict[str, Any], pack: Pack, epochs: int) -> Training:
    """How the exported weights were trained, for the manifest."""
    return Training(
        fit_on="train",  # the validation images chose the epoch and fitted the temperature
        images=pack.size("train"),
        epochs=result["best"]["epoch"],
        schedule_epochs=epochs,  # the epoch that counts may come before the end of the schedule
        device="not recorded",
        seconds=round(result["best"]["elapsed_s"], 3),
    )


def _result(folder: Path) -> dict[str, Any]:
    """The content of result.json.

    Raises:
        TrainingError: the training has not ended, or no epoch of it is worth exporting.
    """
    try:
        result: dict[str, Any] = json.loads(read_bytes(folder / RESULT, JSON_BYTES))
    except FileNotFoundError:
        raise TrainingError(f"{folder}: the run has not ended; `hpo train --resume --out {folder}` goes on") from None
    if result["best"] is None:
        raise TrainingError(f"{folder}: the run has no usable epoch: it ended as {result['status']}")
    return result
