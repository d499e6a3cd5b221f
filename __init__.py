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

from .cores import sleep_while_waiting

if TYPE_CHECKING:
    from .errors import HpoError
    from .search.api import (
        diagnose,
        evaluate,
        export,
        infer_check,
        inspect_data,
        models,
        predict,
        retrain_best,
        run,
        train,
    )
    from .search.diagnose import DiagnoseOutcome
    from .search.diagnose_choice import DiagnoseOptions
    from .search.evaluate import EvaluateOptions, EvaluateOutcome
    from .search.export import ExportOptions, ExportOutcome
    from .search.infer_check import InferCheck
    from .search.options import RunOptions
    from .search.predict import PredictOptions
    from .search.retrain import RetrainResult
    from .search.retrain_choice import RetrainOptions
    from .search.run import RunResult
    from .search.train import TrainOutcome
    from .search.train_choice import TrainOptions
    from .training.data.inspect.inspection import Inspection
    from .training.models.registry import register_model
    from .training.predictions import Prediction

_HOMES = {
    "DiagnoseOptions": ".search.diagnose_choice",
    "DiagnoseOutcome": ".search.diagnose",
    "EvaluateOptions": ".search.evaluate",
    "EvaluateOutcome": ".search.evaluate",
    "ExportOptions": ".search.export",
    "ExportOutcome": ".search.export",
    "HpoError": ".errors",
    "InferCheck": ".search.infer_check",
    "Inspection": ".training.data.inspect.inspection",
    "PredictOptions": ".search.predict",
    "Prediction": ".training.predictions",
    "RetrainOptions": ".search.retrain_choice",
    "RetrainResult": ".search.retrain",
    "RunOptions": ".search.options",
    "RunResult": ".search.run",
    "TrainOptions": ".search.train_choice",
    "TrainOutcome": ".search.train",
    "diagnose": ".search.api",
    "evaluate": ".search.api",
    "export": ".search.api",
    "infer_check": ".search.api",
    "inspect_data": ".search.api",
    "models": ".search.api",
    "predict": ".search.api",
    "register_model": ".training.models.registry",
    "retrain_best": ".search.api",
    "run": ".search.api",
    "train": ".search.api",
}
__all__ = [
    "DiagnoseOptions",
    "DiagnoseOutcome",
    "EvaluateOptions",
    "EvaluateOutcome",
    "ExportOptions",
    "ExportOutcome",
    "HpoError",
    "InferCheck",
    "Inspection",
    "PredictOptions",
    "Prediction",
    "RetrainOptions",
    "RetrainResult",
    "RunOptions",
    "RunResult",
    "TrainOptions",
    "TrainOutcome",
    "diagnose",
    "evaluate",
    "export",
    "infer_check",
    "inspect_data",
    "models",
    "predict",
    "register_model",
    "retrain_best",
    "run",
    "train",
]

sleep_while_waiting()  # here, since every process of the project comes through here before it imports torch


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
