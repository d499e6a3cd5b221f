"""The winner's export: trained, tested, described, put in place at once."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ....common.cores import available_cores
from ....common.interval import around
from ....common.plural import plural
from ....studies.files import versions
from ....training.checkpoints.files import BEST
from ....training.data.pack import Pack
from ....training.data.preprocessing import Preprocessing
from ....training.data.test_note import test_note
from ....training.export.export_folder import ExportFolder
from ....training.export.format_report import Verified
from ....training.export.gap import Gap
from ....training.export.manifest import (
    ExportManifest,
    Metrics,
    Selection,
    Training,
    config_hash,
    describe_files,
    other_files,
)
from ....training.metrics.calibration import Calibration
from ....training.models.config import needs_trial
from ....training.report import TrainResult
from ...progress.single import RetrainWatcher
from ...resolve.trust import record_export
from .answers import AnswersKeeper
from .calibrate import calibrate_winner
from .choose import Chosen
from .fit import describe, fit
from .track import WinnerTracker

if TYPE_CHECKING:
    from ....training.export.export import Exported
    from ....training.export.final_test import FinalTest

EXPORTERS = ("onnx", "onnxscript", "onnxruntime")  # packages that shape the files; the manifest has their versions


def make_export(
    chosen: Chosen,
    pack: Pack,
    device: str,
    directory: Path,
    trial: Path,
    target: Path,
    watcher: RetrainWatcher,
    tracker: WinnerTracker | None = None,
) -> ExportManifest:
    """Train `chosen` in `directory`, and put its tested export at `target`.

    `chosen` leaves nothing to `auto`. `trial` is the directory of the chosen trial itself: with its weights the
    temperature is fitted. `tracker` is told of the training.

    Raises:
        TrainingError: the training failed.
        ExportError: the model cannot be exported, which is found out first, or does not verify; what is at `target` is
            as it was.
    """
    from ....training.export.classifier import Classifier
    from ....training.export.export import export_model
    from ....training.export.final_test import final_test
    from ....training.export.format_kind import Source
    from ....training.export.formats.registry import choose_formats
    from ....training.export.make_formats import make_formats, report_formats
    from ....training.export.promote import staged
    from ....training.export.rehearse import ExportRehearsal
    from ....training.preflight.try_model import check_model

    watcher.note(describe(chosen, pack, device))
    watcher.note(test_note(pack.size("test"), chosen.config.data, pack.given_splits))
    if needs_trial(chosen.config.model) and not (directory / BEST).exists():
        check_model(chosen.config, pack, ExportRehearsal(pack))  # a search may have left it out
    trained = fit(chosen, pack, directory, device, watcher, tracker)
    classifier = Classifier.from_checkpoint(directory / BEST, chosen.config, pack)
    calibration = calibrate_winner(chosen, trial, pack, device, watcher)
    temperature = calibration.temperature if calibration else 1.0
    answers = AnswersKeeper(directory)
    with staged(target, other_files) as folder:
        watcher.note("exporting and verifying")
        exported = export_model(classifier, chosen.config, pack, folder, temperature)
        source = Source(folder, chosen.config, pack.val)
        made, failed = make_formats(choose_formats(chosen.formats), source, pack, {})  # no formats yet
        tested = final_test(
            classifier,
            pack,
            device=device,
            reason=f"retrain-best of trial {chosen.record.number}, {plural(chosen.epochs, 'epoch')}",
            log=directory.parent.parent / "test_openings.jsonl",  # the study's: all its looks are counted
            kept=directory / "test.json",  # the same weights are not tested twice
            witness=answers.keep,
            formats={entry.key: entry.run for entry in made},
        )
        answers.put(folder)
        if tested.opening > 1:
            watcher.note(f"opening {tested.opening} of this test split: the more often it decides, the less it tells")
        watcher.note("measuring")
        reports = report_formats(made, folder, pack, tested.formats, tested.accuracy, available_cores())
        manifest = _manifest(chosen, pack, device, trained, exported, tested, calibration, folder, watcher)
        manifest = manifest.model_copy(update={"formats": reports, "failed_formats": failed})
        manifest.write(folder)
        record_export(ExportFolder.open(folder), watcher.note)  # before it is in place, so that no kill comes between
    return manifest


def _manifest(
    chosen: Chosen,
    pack: Pack,
    device: str,
    trained: TrainResult,
    exported: "Exported",
    tested: "FinalTest",
    calibration: Calibration | None,
    folder: Path,
    watcher: RetrainWatcher,
) -> ExportManifest:
    record, metrics = chosen.record, metrics_of(chosen.validated, pack.validated, tested)
    return ExportManifest(
        study=chosen.study,
        trial=record.number,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model_version=exported.weights_digest[:12],
        config=chosen.config,
        config_hash=config_hash(chosen.config),
        params=dict(record.params),
        data_fingerprint=pack.fingerprint,
        data_source=pack.source,
        class_names=pack.class_names,
        preprocessing=Preprocessing.of(pack),
        training=Training(
            fit_on="train_and_val",  # epochs and temperature are the trial's, so no split has to choose
            images=pack.size("train") + pack.size("val"),
            epochs=len(trained.history),
            schedule_epochs=chosen.config.budget.epochs,
            device=device,
            seconds=round(trained.history[-1].elapsed_s, 3),
        ),
        metrics=metrics,
        selection=_selection(chosen),
        gap=gap_in(metrics, pack, chosen.candidates, tested, watcher),
        temperature=calibration.temperature if calibration else 1.0,
        calibration=calibration,
        opset=exported.opset,
        onnx=Verified.model_validate(exported.onnx, from_attributes=True),
        program=Verified.model_validate(exported.program, from_attributes=True),
        versions=versions() | {package: version(package) for package in EXPORTERS},
        files=dict(describe_files(folder)),
    )


def _selection(chosen: Chosen) -> Selection | None:
    """What the trial was chosen by, where the export is trained as long."""
    record, objective = chosen.record, chosen.config.objective
    if not (chosen.validated or chosen.race) or record.value is None or record.best_epoch is None:
        return None
    at = objective.words + (f", mean over {record.folds} folds" if record.folds else "")
    return Selection(metric=objective.metric, at=at, value=record.value, epoch=record.best_epoch, race=chosen.race)


def metrics_of(validated: Mapping[str, float], images: int, tested: "FinalTest") -> Metrics:
    """Return a manifest's metrics, of validation and of the final test.

    `validated` are those of the trial or training on its validation images, of which there are `images`.
    """
    accuracy = validated.get("val_accuracy")
    return Metrics(
        val_accuracy=accuracy,
        val_interval=None if accuracy is None else around(accuracy, images),
        val_loss=validated.get("val_loss"),
        test_accuracy=tested.accuracy,
        test_interval=tested.interval,
        test_loss=tested.loss,
        test_images=tested.images,
        test_opening=tested.opening,
    )


def gap_in(metrics: Metrics, pack: Pack, chosen_among: int, tested: "FinalTest", watcher: RetrainWatcher) -> Gap | None:
    """Find a gap of validation and test beyond chance, and note it.

    See find_gap; the notes go to `watcher`.
    """
    from ....training.export.find_gap import find_gap

    gap = find_gap(metrics, pack, chosen_among, tested.appearance)
    for line in gap.lines() if gap else ():
        watcher.note(line)
    return gap
