"""The data and the training of a retrained winner.

Both go on where an earlier attempt left them.
"""

from collections.abc import Iterable
from pathlib import Path

from ....common.plural import plural
from ....errors import TrainingError
from ....training.config import TrialConfig
from ....training.data.pack import Pack
from ....training.machine.numerics import Numerics
from ....training.report import EpochReport, Status, TrainResult
from ...progress.format import devices_words
from ...progress.single import RetrainWatcher
from ...resolve.pack import same_data
from ..follow import Asked, follow, ignore_epoch
from .choose import Chosen
from .track import WinnerTracker


class RetrainError(TrainingError):
    """A winner's training that diverged or ran out of memory."""

    exit_code = 1


def find_pack(chosen: Chosen, cache: Path, data_root: Path | None, watcher: RetrainWatcher) -> Pack:
    """Return the study's own pack, from the cache or prepared again.

    Raises:
        DataError: the source is missing, or its images are no longer those of the study.
    """
    return same_data(
        chosen.config.data,
        chosen.fingerprint,
        cache=cache,
        data_root=data_root,
        progress=watcher.stage,
        of=f"study {chosen.study}",
        remedy="search anew with `hpo run --study OTHER-NAME`",
    )


def fit(
    chosen: Chosen,
    pack: Pack,
    directory: Path,
    device: str,
    watcher: RetrainWatcher,
    tracker: WinnerTracker | None = None,
) -> TrainResult:
    """Train `chosen` in `directory`, or go on with an earlier attempt.

    It trains on training and validation images.

    Raises:
        RetrainError: it diverged or ran out of memory.
        KeyboardInterrupt: Ctrl-C; what is done is kept.
    """
    from ....training.train import train

    def start(asked: Asked) -> Iterable[EpochReport | TrainResult]:
        return train(
            chosen.config,
            pack=pack.path,
            directory=directory,
            device=device,
            fit_on="train_and_val",
            last_epoch=chosen.last_epoch,
            signal=asked,
            tell=watcher.busy,
        )

    result, interrupted = follow(start, watcher, chosen.epochs, ignore_epoch if tracker is None else tracker.epoch)
    if interrupted:
        watcher.note(
            f"stopped after epoch {len(result.history)} of {chosen.epochs}; the same command goes on from there"
        )
        raise KeyboardInterrupt  # paused as asked: the command ends as an interrupted one does
    if result.status is not Status.FINISHED:
        raise RetrainError(_words(chosen, result))
    return result


def describe(chosen: Chosen, pack: Pack, device: str) -> str:
    """Describe the training to come, in one line."""
    config: TrialConfig = chosen.config
    images = pack.size("train") + pack.size("val")
    # the learning rates are the trial's, up to the epoch that counts
    cut = f" of a schedule of {config.budget.epochs}" if chosen.last_epoch else ""
    epochs = f"{plural(chosen.epochs, 'epoch')}{cut}"
    numerics = Numerics.of(config).words
    where = devices_words(device, config.devices)
    return f"study {chosen.study}, trial {chosen.record.number}: {epochs} on {images:,} images, {where}, {numerics}"


def _words(chosen: Chosen, result: TrainResult) -> str:
    status = result.status.value.replace("_", " ")
    return (
        f"trial {chosen.record.number} of study {chosen.study}: trained on all images it ended as {status}"
        f" ({result.message})\n  nothing was exported; --trial N takes another trial"
    )
