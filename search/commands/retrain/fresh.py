"""Fresh trainings of a trial: its configuration with another seed, validated on other images.

    runs/<study>/retrain/race/<fingerprint>/trial-<n>-<repetition>/    config.json, result.json
    runs/<study>/retrain/race/packs/                                   the images of the repetition at hand

A training that has ended is kept there, so that a race that was stopped goes on, and a longer one begins where the
shorter one ended.
"""

import json
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....common.bounded import JSON_BYTES, read_bytes
from ....training.checkpoints.files import remove_checkpoints
from ....training.checkpoints.training_folder import CONFIG, RESULT
from ....training.config import TrialConfig
from ....training.data.config import DataConfig
from ....training.data.pack import Pack
from ....training.data.prepare import Progress, prepare
from ....training.loop.history import result_from_json
from ....training.report import EpochReport, Status, TrainResult
from ....training.saved_config import read_saved
from ...loop.outcome import outcome_of
from ...progress.single import RetrainWatcher
from ..follow import Asked, follow
from .race import Fresh

_ENDED = {Status.FINISHED, Status.DIVERGED}  # what training again would not change


@dataclass(frozen=True, slots=True)
class Seeds:
    """The seeds of fresh trainings, none of which the search has used.

    `study` is the study's own seed; `used` those of its trials, `used_splits` those of its splits.
    """

    study: int
    used: Collection[int]
    used_splits: Collection[int]

    def of_training(self, trial: int, repetition: int) -> int:
        """The seed of a trial's training, in [0, 2^31)."""
        return _unused((self.study, trial, repetition), self.used)

    def of_validation(self, repetition: int) -> int:
        """The seed of the validation split of a repetition, the same for all trials, in [0, 2^31)."""
        return _unused((self.study, repetition), self.used_splits)


def _unused(entropy: tuple[int, ...], used: Collection[int]) -> int:
    random = np.random.default_rng(entropy)
    while (seed := int(random.integers(2**31))) in used:
        pass
    return seed


class Splits:
    """The images of each repetition: the study's own, their validation split drawn anew unless the data give it.

    `folder` holds those of one repetition at a time: of a large data set each takes as much disk as the first.
    """

    def __init__(self, study: Pack, seeds: Seeds, folder: Path, data_root: Path | None, progress: Progress) -> None:
        self._study, self._seeds, self._folder = study, seeds, folder
        self._data_root, self._progress = data_root, progress
        self._at = 0  # the repetition whose images the folder holds; 0: those of a race that was killed

    @property
    def are_drawn(self) -> bool:
        """Whether each repetition has other validation images."""
        return "val" not in self._study.given_splits

    @property
    def overlap(self) -> float:
        """Validation by training images where they are drawn anew, else 0."""
        return self._study.size("val") / self._study.size("train") if self.are_drawn else 0.0

    def config(self, data: DataConfig, repetition: int) -> DataConfig:
        """The settings of the images of a repetition."""
        if not self.are_drawn:
            return data
        return data.model_copy(update={"val_seed": self._seeds.of_validation(repetition)})

    def pack(self, data: DataConfig, repetition: int) -> Pack:
        """The images of a repetition.

        Raises:
            DataError: the source is missing, or they cannot be written.
        """
        if not self.are_drawn:
            return self._study
        if self._at and self._at != repetition:
            self.remove()
        self._at = repetition
        settings = self.config(data, repetition)
        return prepare(settings, cache=self._folder, data_root=self._data_root, progress=self._progress)

    def remove(self) -> None:
        """Remove the images that were drawn."""
        shutil.rmtree(self._folder, ignore_errors=True)


def kept_training(directory: Path, config: TrialConfig) -> Fresh | None:
    """Return what a training of `config` in `directory` came to; None where it has not ended."""
    try:
        saved = read_saved(read_bytes(directory / CONFIG, JSON_BYTES))
        result = result_from_json(json.loads(read_bytes(directory / RESULT, JSON_BYTES)))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # none yet, or somebody has edited it
        return None
    return _fresh(result, config) if saved == config and result.status in _ENDED else None


def train_fresh(config: TrialConfig, pack: Pack, directory: Path, device: str, watcher: RetrainWatcher) -> Fresh:
    """Train `config` in `directory`, or go on with an earlier attempt; its checkpoints are removed at its end.

    Raises:
        TrainingError: it cannot be trained here.
        KeyboardInterrupt: Ctrl-C; what is done is kept.
    """
    from ....training.train import train

    def start(asked: Asked) -> Iterable[EpochReport | TrainResult]:
        return train(config, pack=pack.path, directory=directory, device=device, signal=asked, tell=watcher.busy)

    result, interrupted = follow(start, watcher, config.budget.epochs)
    if result.status in _ENDED:
        remove_checkpoints(directory)
    if interrupted:
        raise KeyboardInterrupt
    return _fresh(result, config)


def _fresh(result: TrainResult, config: TrialConfig) -> Fresh:
    outcome = outcome_of(result, config.objective)  # as the search valued it
    return Fresh(outcome.value) if outcome.complete else Fresh(None, result.status.value.replace("_", " "))
