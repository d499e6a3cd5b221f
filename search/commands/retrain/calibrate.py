"""The temperature of a retrained winner, fitted where its validation images were still unseen."""

from pathlib import Path

from ....training.data.pack import Pack
from ....training.metrics.calibration import Calibration
from ...progress.single import RetrainWatcher
from .choose import Chosen


def calibrate_winner(
    chosen: Chosen, trial: Path, pack: Pack, device: str, watcher: RetrainWatcher
) -> Calibration | None:
    """The calibration of the winner's own trial in directory `trial`, at the epoch nearest to where retraining ends.

    None, and said, where the trial left no usable weights.
    """
    from ....training.evaluation.held_out import fit_calibration

    name = f"trial {chosen.record.number}"
    found = fit_calibration(trial, chosen.config, pack, epoch=chosen.epochs, device=device, name=name)
    if found is None:
        watcher.note(f"{name} left no usable checkpoint in {trial}, so no temperature was fitted")
    else:
        watcher.note(
            f"temperature {found.temperature:.2f}, fitted on {found.images:,} validation images with {found.weights}: "
            f"{found.words}"
        )
    return found
