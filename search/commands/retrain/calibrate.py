"""The temperature of a retrained winner, fitted on unseen validation images.

The retrained model has learned those images; the winner's own trial has not.
"""

from pathlib import Path

from ....training.data.pack import Pack
from ....training.metrics.calibration import Calibration
from ...progress.single import RetrainWatcher
from .choose import Chosen


def calibrate_winner(
    chosen: Chosen, trial: Path, pack: Pack, device: str, watcher: RetrainWatcher
) -> Calibration | None:
    """Fit the calibration of a winner on its own trial's weights.

    `trial` is the trial's directory; its weights are taken at the epoch nearest to where retraining ends. None, with a
    note, where the trial left no usable weights.
    """
    from ....training.evaluation.held_out import fit_calibration

    name = f"trial {chosen.record.number}"
    calibration = fit_calibration(trial, chosen.config, pack, epoch=chosen.epochs, device=device, name=name)
    if calibration is None:
        watcher.note(f"{name} left no usable checkpoint in {trial}, so no temperature was fitted")
    else:
        watcher.note(
            f"temperature {calibration.temperature:.2f}, fitted on {calibration.images:,} validation images with "
            f"{calibration.weights}: {calibration.words}"
        )
    return calibration
