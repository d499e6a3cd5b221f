"""Hyperparameter search for PyTorch image classifiers; the front door for notebooks.

    import hpo
    hpo.inspect_data("photos/").suggestions
    result = hpo.run(space="resnet", data="digits", trials=50)
    result.study.best.params
    hpo.retrain_best().manifest.metrics.test_accuracy

The keywords of `hpo.run` are the fields of `hpo.RunOptions`, which may be given in their place, and so on.
The names below are imported when they are first used, so that `import hpo` is instant.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .common.cores import sleep_while_waiting
from .common.version import __version__

if TYPE_CHECKING:
    from .errors import HpoError
    from .search.api import (
        compare,
        diagnose,
        estimate,
        evaluate,
        export,
        extend,
        infer_check,
        inspect_data,
        models,
        plan,
        predict,
        replay,
        report,
        retrain_best,
        run,
        suggest_space,
        train,
    )
    from .search.commands.compare.compare import Comparison
    from .search.commands.compare.options import CompareOptions
    from .search.commands.diagnose.diagnose import DiagnoseOutcome
    from .search.commands.diagnose.options import DiagnoseOptions
    from .search.commands.estimate.estimate import Estimate
    from .search.commands.estimate.options import EstimateOptions
    from .search.commands.evaluate.evaluate import EvaluateOutcome
    from .search.commands.evaluate.options import EvaluateOptions
    from .search.commands.export.export import ExportOutcome
    from .search.commands.export.options import ExportOptions
    from .search.commands.extend.extend import ExtendResult
    from .search.commands.extend.options import ExtendOptions
    from .search.commands.infer_check.infer_check import InferCheck
    from .search.commands.plan.result import Plan
    from .search.commands.predict.options import PredictOptions
    from .search.commands.replay.options import ReplayOptions
    from .search.commands.replay.replay import Replay
    from .search.commands.report.options import ReportOptions
    from .search.commands.report.report import Report
    from .search.commands.retrain.options import RetrainOptions
    from .search.commands.retrain.retrain import RetrainResult
    from .search.commands.run.options import RunOptions
    from .search.commands.run.run import RunResult
    from .search.commands.suggest_space.options import SuggestOptions
    from .search.commands.suggest_space.suggest_space import SuggestedSpace
    from .search.commands.train.options import TrainOptions
    from .search.commands.train.train import TrainOutcome
    from .training.data.inspect.inspection import Inspection
    from .training.models.registry import register_model
    from .training.trained.predict import Prediction

_HOMES = {
    "CompareOptions": ".search.commands.compare.options",
    "Comparison": ".search.commands.compare.compare",
    "DiagnoseOptions": ".search.commands.diagnose.options",
    "DiagnoseOutcome": ".search.commands.diagnose.diagnose",
    "Estimate": ".search.commands.estimate.estimate",
    "EstimateOptions": ".search.commands.estimate.options",
    "EvaluateOptions": ".search.commands.evaluate.options",
    "EvaluateOutcome": ".search.commands.evaluate.evaluate",
    "ExportOptions": ".search.commands.export.options",
    "ExportOutcome": ".search.commands.export.export",
    "ExtendOptions": ".search.commands.extend.options",
    "ExtendResult": ".search.commands.extend.extend",
    "HpoError": ".errors",
    "InferCheck": ".search.commands.infer_check.infer_check",
    "Inspection": ".training.data.inspect.inspection",
    "Plan": ".search.commands.plan.result",
    "PredictOptions": ".search.commands.predict.options",
    "Prediction": ".training.trained.predict",
    "Replay": ".search.commands.replay.replay",
    "ReplayOptions": ".search.commands.replay.options",
    "Report": ".search.commands.report.report",
    "ReportOptions": ".search.commands.report.options",
    "RetrainOptions": ".search.commands.retrain.options",
    "RetrainResult": ".search.commands.retrain.retrain",
    "RunOptions": ".search.commands.run.options",
    "RunResult": ".search.commands.run.run",
    "SuggestOptions": ".search.commands.suggest_space.options",
    "SuggestedSpace": ".search.commands.suggest_space.suggest_space",
    "TrainOptions": ".search.commands.train.options",
    "TrainOutcome": ".search.commands.train.train",
    "compare": ".search.api",
    "diagnose": ".search.api",
    "estimate": ".search.api",
    "evaluate": ".search.api",
    "export": ".search.api",
    "extend": ".search.api",
    "infer_check": ".search.api",
    "inspect_data": ".search.api",
    "models": ".search.api",
    "plan": ".search.api",
    "predict": ".search.api",
    "register_model": ".training.models.registry",
    "replay": ".search.api",
    "report": ".search.api",
    "retrain_best": ".search.api",
    "run": ".search.api",
    "suggest_space": ".search.api",
    "train": ".search.api",
}
__all__ = [
    "CompareOptions",
    "Comparison",
    "DiagnoseOptions",
    "DiagnoseOutcome",
    "Estimate",
    "EstimateOptions",
    "EvaluateOptions",
    "EvaluateOutcome",
    "ExportOptions",
    "ExportOutcome",
    "ExtendOptions",
    "ExtendResult",
    "HpoError",
    "InferCheck",
    "Inspection",
    "Plan",
    "PredictOptions",
    "Prediction",
    "Replay",
    "ReplayOptions",
    "Report",
    "ReportOptions",
    "RetrainOptions",
    "RetrainResult",
    "RunOptions",
    "RunResult",
    "SuggestOptions",
    "SuggestedSpace",
    "TrainOptions",
    "TrainOutcome",
    "__version__",
    "compare",
    "diagnose",
    "estimate",
    "evaluate",
    "export",
    "extend",
    "infer_check",
    "inspect_data",
    "models",
    "plan",
    "predict",
    "register_model",
    "replay",
    "report",
    "retrain_best",
    "run",
    "suggest_space",
    "train",
]

sleep_while_waiting()  # here, since every process of the project comes through here before it imports torch


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
