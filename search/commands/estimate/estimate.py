"""`hpo estimate`, composed: for each test fold a search, its winner retrained and tested -> what a search is worth.

This is nested cross-validation (Varma & Simon 2006, BMC Bioinformatics 7:91): the images that test a winner have had no
part in choosing it.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from ....common.folds import spread_of
from ....common.interval import wilson
from ....spaces.load import load_space
from ....studies.home import Home
from ....training.export.export_folder import ExportFolder
from ....training.export.manifest import MANIFEST, ExportManifest
from ...configuration.space_file import SpaceFile
from ...loop.goal import Outcome
from ...progress.single import RetrainWatcher
from ..retrain.choose import choose
from ..retrain.options import RetrainOptions
from ..retrain.retrain import retrain_best
from ..run.prepare import Watcher
from ..run.run import run
from .options import EstimateOptions


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What the search that did not see a fold has found, and its test there.

    `fold` counts from 1; `selected` is the value of `metric` that `trial` of `study` was chosen by, with `params`;
    `right` of `images` test images were answered right.
    """

    fold: int
    study: str
    trial: int
    params: Mapping[str, Any]
    metric: str
    selected: float
    images: int
    right: int

    @property
    def accuracy(self) -> float:
        """The accuracy on the fold, in [0, 1]."""
        return self.right / self.images


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a search is worth: the tests of its winners on images that it did not see.

    `test_folds` is how many there are to be; `folds` those that are done, fewer where it was interrupted.
    """

    name: str
    test_folds: int
    folds: tuple[FoldResult, ...]

    @property
    def is_whole(self) -> bool:
        """Whether each fold has been tested."""
        return len(self.folds) == self.test_folds

    @property
    def accuracy(self) -> float | None:
        """The accuracy over all images, each tested once, in [0, 1]; None before each fold is tested."""
        return self._right / self._images if self.is_whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the accuracy; None before each fold is tested.

        It has what chance does to so many images (Wilson's interval), and what it does to searches and trainings that
        share most of their images (Nadeau & Bengio 2003, as in common/folds.py, with Student's t): whichever is wider
        at an end.
        """
        if self.accuracy is None:
            return None
        from scipy.special import stdtrit

        spread = spread_of([fold.accuracy for fold in self.folds])
        assert spread is not None  # there are two folds at least
        half = float(stdtrit(len(self.folds) - 1, 0.975)) * spread.se
        low, high = wilson(self._right, self._images)
        return max(0.0, min(low, self.accuracy - half)), min(1.0, max(high, self.accuracy + half))

    @property
    def optimism(self) -> float | None:
        """By how much the values that winners were chosen by are better than their tests, in the mean.

        None where they were not chosen by accuracy, and before each fold is tested.
        """
        if not self.is_whole or any(fold.metric != "val_accuracy" for fold in self.folds):
            return None
        return fmean(fold.selected - fold.accuracy for fold in self.folds)

    @property
    def _right(self) -> int:
        return sum(fold.right for fold in self.folds)

    @property
    def _images(self) -> int:
        return sum(fold.images for fold in self.folds)

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo estimate --json` prints."""
        return {
            "name": self.name,
            "test_folds": self.test_folds,
            "accuracy": self.accuracy,
            "interval": self.interval,
            "images": self._images,
            "optimism": self.optimism,
            "folds": [{**asdict(fold), "accuracy": fold.accuracy} for fold in self.folds],
        }


def estimate(options: EstimateOptions, watcher: Watcher, retraining: Callable[[], RetrainWatcher]) -> Estimate:
    """Search, retrain the winner and test it, once for each test fold.

    The same call goes on where it was. `retraining` makes the view of a winner's training.

    Raises:
        HpoError: the space, the data, a study or a flag is wrong, or a winner cannot be trained or exported.
        KeyboardInterrupt: Ctrl-C came twice, or while a winner was trained.
    """
    name = options.study or load_space(options.space, SpaceFile, options.space_overrides(None)).name
    folds: list[FoldResult] = []
    for number in range(1, options.test_folds + 1):
        study = options.study_of(name, number)
        watcher.note(f"test fold {number} of {options.test_folds}: study {study}")
        if run(options.search_options(name, number), watcher).outcome is Outcome.INTERRUPTED:
            break
        folds.append(_tested(number, _winner(options.winner_options(study), retraining)))
    return Estimate(name, options.test_folds, tuple(folds))


def _winner(options: RetrainOptions, retraining: Callable[[], RetrainWatcher]) -> ExportManifest:
    """The manifest of the winner's export, which is made where there is none of it."""
    home = Home.locate(options.home)
    chosen = choose(options, home)
    folder = home.export(chosen.study)
    if (folder / MANIFEST).exists():
        manifest = ExportFolder.open(folder).manifest
        if (manifest.study, manifest.trial, manifest.training.epochs) == (
            chosen.study,
            chosen.record.number,
            chosen.epochs,
        ):
            return manifest
    with closing(retraining()) as view:
        return retrain_best(options, view).manifest


def _tested(fold: int, manifest: ExportManifest) -> FoldResult:
    metrics, selection = manifest.metrics, manifest.selection
    assert selection is not None  # it was trained as long as its trial
    assert manifest.trial is not None
    return FoldResult(
        fold=fold,
        study=manifest.study,
        trial=manifest.trial,
        params=manifest.params,
        metric=selection.metric,
        selected=selection.value,
        images=metrics.test_images,
        right=round(metrics.test_accuracy * metrics.test_images),
    )
