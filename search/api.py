"""The commands as functions, for notebooks and scripts, watched by plain lines.

Each takes an object of its options, or their fields as keyword arguments.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..common.display import visible
from .commands.compare.options import CompareOptions
from .commands.diagnose.diagnose import DiagnoseOutcome
from .commands.diagnose.diagnose import diagnose as examine
from .commands.diagnose.options import DiagnoseOptions
from .commands.estimate.estimate import Estimate
from .commands.estimate.estimate import estimate as search_each
from .commands.estimate.options import EstimateOptions
from .commands.evaluate.evaluate import EvaluateOutcome
from .commands.evaluate.options import EvaluateOptions
from .commands.export.export import ExportOutcome
from .commands.export.options import ExportOptions
from .commands.extend.extend import ExtendResult
from .commands.extend.extend import extend as extend_trials
from .commands.extend.options import ExtendOptions
from .commands.keywords import by_keywords
from .commands.predict.options import PredictOptions
from .commands.replay.options import ReplayOptions
from .commands.report.options import ReportOptions
from .commands.retrain.options import RetrainOptions
from .commands.run.options import RunOptions
from .commands.run.prepare import Watcher
from .commands.run.run import RunResult
from .commands.run.run import run as search
from .commands.suggest_space.options import SuggestOptions
from .commands.train.options import TrainOptions
from .commands.train.train import TrainOutcome
from .commands.train.train import train as train_one
from .progress.plain import PlainProgress
from .progress.single import PlainWatcher

if TYPE_CHECKING:
    from ..training.data.inspect.inspection import Inspection
    from ..training.models.catalogue import ModelFacts
    from ..training.trained.predict import Prediction
    from .commands.compare.compare import Comparison
    from .commands.infer_check.infer_check import InferCheck
    from .commands.plan.result import Plan
    from .commands.replay.replay import Replay
    from .commands.report.report import Report
    from .commands.retrain.retrain import RetrainResult
    from .commands.suggest_space.suggest_space import SuggestedSpace


@by_keywords(RunOptions)
def run(options: RunOptions) -> RunResult:
    """Search until the study holds `options.trials` finished trials.

    Progress goes to standard error.

    Raises:
        HpoError: the space, the data, the study or an option is wrong.
    """
    return search(options, Watcher(_no_stage, PlainProgress, _note))


@by_keywords(RunOptions)
def plan(options: RunOptions) -> "Plan":
    """Say what a search will take, and what is unwise about it, before it is run; progress goes to standard error.

    Raises:
        HpoError: the space, the data, the study or an option is wrong, or nothing could be trained.
    """
    from .commands.plan.plan import PlanWatcher
    from .commands.plan.plan import plan as foresee

    return foresee(options, PlanWatcher(_no_stage, _note))


@by_keywords(EstimateOptions)
def estimate(options: EstimateOptions) -> Estimate:
    """Estimate what a search is worth on images that it did not see; progress goes to standard error.

    Raises:
        HpoError: the space, the data, a study or an option is wrong, or a winner cannot be trained or exported.
    """
    return search_each(options, Watcher(_no_stage, PlainProgress, _note), PlainWatcher)


@by_keywords(SuggestOptions)
def suggest_space(options: SuggestOptions) -> "SuggestedSpace":
    """Suggest the space to search after a study, as a space file that says why.

    Raises:
        HpoError: there is no such study, it has too few trials or no space, or the file is there already.
    """
    from .commands.suggest_space.suggest_space import suggest_space as suggest

    return suggest(options)


@by_keywords(ExtendOptions)
def extend(options: ExtendOptions) -> ExtendResult:
    """Train trials of a study with more epochs, as new trials of it; progress goes to standard error.

    Raises:
        HpoError: the study, a trial, its images or an option is wrong.
    """
    return extend_trials(options, Watcher(_no_stage, PlainProgress, _note))


@by_keywords(RetrainOptions)
def retrain_best(options: RetrainOptions) -> "RetrainResult":
    """Retrain a study's winner, test it once, export and register it.

    It is trained on all but the test images.

    Raises:
        HpoError: there is no such study or trial, the training failed, or the export does not verify.
    """
    from .commands.retrain.retrain import retrain_best as retrain

    return retrain(options, PlainWatcher())


@by_keywords(ReplayOptions)
def replay(options: ReplayOptions) -> "Replay":
    """Train a trial again from its record, and compare each epoch; progress goes to standard error.

    Raises:
        HpoError: the study, the trial, its images or an option is wrong.
    """
    from .commands.replay.replay import replay as train_again

    return train_again(options, PlainWatcher())


@by_keywords(ExportOptions)
def export(options: ExportOptions) -> ExportOutcome:
    """Bring a trained model into further formats, each tested, measured and judged.

    Raises:
        HpoError: there is no such model, its images are gone, or it cannot be exported.
    """
    from .commands.export.export import export as export_model

    return export_model(options, PlainWatcher())


def infer_check(folder: Path | str, trust: bool = False) -> "InferCheck":
    """Check the checksums of an export, and every format on its samples.

    Formats whose loading may run code are tried with `trust`, or where the export is on record.

    Raises:
        ExportError: it is no export, or a file is not the one described.
    """
    from .commands.infer_check.infer_check import infer_check as check

    return check(Path(folder), trust, _note)


@by_keywords(TrainOptions)
def train(options: TrainOptions) -> TrainOutcome:
    """Train one configuration, without a study; progress goes to standard error.

    Raises:
        HpoError: the space, the trial, the data, the folder or an option is wrong.
    """
    return train_one(options, PlainWatcher())


def inspect_data(source: str, overrides: Sequence[str] = (), data_root: Path | str | None = None) -> "Inspection":
    """Inspect a data source, as `hpo data` does.

    `source` is a name, a folder or a CSV file. Each of `overrides` is a `data.KEY=VALUE`.

    Raises:
        HpoError: a setting is not one of data, or the source is missing or not usable.
    """
    from ..training.data.inspect import survey
    from .resolve.data import choose_data

    # imports are inside: `import hpo` must not wait for torch
    root = None if data_root is None else Path(data_root)
    return survey.inspect_data(choose_data(source, overrides), root, PlainWatcher().stage)


def models(
    name_filter: str | None = None, *, image_size: int = 224, channels: int = 3, classes: int = 1000
) -> "list[ModelFacts]":
    """List the models whose name contains `name_filter`, with parameters and FLOPs.

    For None they are hpo's own.

    Raises:
        TrainingError: there is none.
    """
    from ..training.models.catalogue import facts_of, find_models
    from .resolve.trust import name_models

    configs = find_models(name_filter)
    name_models(configs.values(), _note)  # a file that the user names here may be run
    return list(facts_of(configs, num_classes=classes, in_channels=channels, image_size=image_size))


@by_keywords(EvaluateOptions)
def evaluate(options: EvaluateOptions) -> EvaluateOutcome:
    """Evaluate a trained model on labelled images.

    The evaluation is kept beside the model. An opening of the test split is counted.

    Raises:
        HpoError: the model, the data, the split or the device is wrong.
    """
    from .commands.evaluate.evaluate import evaluate as evaluate_model

    return evaluate_model(options, PlainWatcher())


def predict(options: PredictOptions | str, images: Iterable[Path | str]) -> Iterator["Prediction"]:
    """Predict each image in order, as a stream.

    `images` are files; folders stand for the files below them. A text in the place of `options` is the model: a folder
    of a trained model, or a study.

    Raises:
        HpoError: the model or the device is wrong.
    """
    from .commands.predict.predict import predict as predict_files

    return predict_files(PredictOptions(options) if isinstance(options, str) else options, images, _note)


@by_keywords(DiagnoseOptions)
def diagnose(options: DiagnoseOptions) -> DiagnoseOutcome:
    """Diagnose why a configuration, a trial or a run does not learn.

    Progress goes to standard error.

    Raises:
        HpoError: the space, the trial, the run, the data or an option is wrong.
    """
    return examine(options, PlainWatcher())


@by_keywords(ReportOptions)
def report(options: ReportOptions) -> "Report":
    """Write a study, as it is now, as one HTML page that needs no other file.

    Raises:
        HpoError: there is no such study, or the page cannot be written.
    """
    from .commands.report.report import report as write

    return write(options)


@by_keywords(CompareOptions)
def compare(options: CompareOptions) -> "Comparison":
    """Compare two studies, or two exports, by what is on record of them.

    Raises:
        HpoError: there is no such study, or an export cannot be read.
    """
    from .commands.compare.compare import compare as set_side_by_side

    return set_side_by_side(options)


def _no_stage(stage: str, done: int, total: int) -> None:
    """Ignore the progress of packing, which is quick or done before."""


def _note(text: str) -> None:
    print(visible(text), file=sys.stderr)
