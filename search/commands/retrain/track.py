"""The training of a winner as trackers show it.

It is a run of its own beside those of the trials, with its one test.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ....common.atomic import write_atomic
from ....errors import HpoError
from ....studies.home import Home
from ....studies.tracking.events import Epoch, TrialEnded, TrialStarted
from ....studies.tracking.several import Guard
from ....studies.tracking.tracker import Tracker
from ....studies.tracking.tracker_kinds import TrackedStudy
from ....studies.tracking.trackers import open_trackers
from ....training.export.export_folder import ExportFolder
from ....training.export.manifest import ExportManifest
from ....training.export.names import EVALUATION_PICTURES
from ....training.export.predictions import Predictions
from ....training.report import EpochReport
from ...progress.single import RetrainWatcher
from ..export.register import metrics_to_numbers
from .choose import Chosen

CLOSE_S = 30.0  # how long the end of the command waits for trackers


class WinnerTracker:
    """The events of a winner's training, for trackers.

    `trackers` get those of `chosen`; `warn` gets a line where there is no picture to show.
    """

    def __init__(self, trackers: Tracker, chosen: Chosen, warn: Callable[[str], None]) -> None:
        self._trackers, self._number, self._warn = trackers, chosen.record.number, warn

    def epoch(self, report: EpochReport) -> None:
        """Send an epoch's metrics."""
        self._trackers.tell(Epoch(self._number, report.epoch, report.metrics))

    def exported(self, manifest: ExportManifest, export: Path, workshop: Path) -> None:
        """Send the export's metrics, with the confusion matrix of its test.

        The matrix is drawn into `workshop`.
        """
        tags = {"model_version": manifest.model_version, "data_fingerprint": manifest.data_fingerprint}
        pictures: Sequence[Path] = ()
        with Guard("confusion matrix", self._warn):  # the export is done, and counts
            pictures = _confusion(export, workshop / EVALUATION_PICTURES[0])
        self._trackers.tell(TrialEnded(self._number, "COMPLETE", metrics_to_numbers(manifest), tags, pictures))


@contextmanager
def tracked(
    chosen: Chosen, names: Sequence[str], home: Home, watcher: RetrainWatcher
) -> Iterator[WinnerTracker | None]:
    """Track the training of `chosen` with the trackers `names`.

    None where none of them tracks trainings. MLflow is left to `register_export`, which gives it the model.
    """
    tracker_names = [name for name in names if name not in ("mlflow", "none")]
    if not tracker_names:
        yield None
        return
    study = TrackedStudy(home, chosen.study, "none", watcher.note, training=f"champion-{chosen.folder}")
    trackers, number = open_trackers(tracker_names, study), chosen.record.number
    trackers.tell(TrialStarted(number, dict(chosen.record.params), {"trial": number}))
    try:
        yield WinnerTracker(trackers, chosen, watcher.note)
    except HpoError as error:
        trackers.tell(TrialEnded(number, "FAIL", tags={"message": str(error)}))
        raise
    finally:
        trackers.close(CLOSE_S)


def _confusion(export: Path, picture: Path) -> Sequence[Path]:
    """Draw the confusion matrix of the test of the model in `export`.

    Nothing where an earlier version tested it, and kept no predictions.
    """
    from ....training.evaluation.pictures import confusion_picture

    folder = ExportFolder.open(export)
    manifest, predictions = folder.manifest, Predictions.of(folder)
    if predictions is None:
        return ()
    title = f"{manifest.study}, trial {manifest.trial}: {len(predictions):,} test images"
    counts = predictions.confusion(len(manifest.class_names))
    write_atomic(picture, confusion_picture(counts, manifest.class_names, title))
    return (picture,)
