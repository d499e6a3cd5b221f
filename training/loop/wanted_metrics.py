"""Which metrics a training measures, and whether it and its data allow them.

No torch.
"""

from typing import Literal, cast, get_args

from ...errors import TrainingError
from ..config import TrialConfig
from ..data.pack import Pack
from ..metric_names import ExtraMetric
from ..optim.config import Plateau

FitOn = Literal["train", "train_and_val"]

_LEAST_FOR_TOP5 = 6  # with five classes or fewer, every image is in the top five


def wanted_metrics(config: TrialConfig) -> tuple[ExtraMetric, ...]:
    """Return the metrics beyond loss and accuracy that `config` uses.

    Each once: reported, objective, limited, patience and plateau metrics. They cost a copy of all logits and
    scikit-learn, so that nothing else is measured.
    """
    limited = [limit.metric for limit in config.constraints.limits]
    names = [*config.metrics, *config.objective.metrics, *limited, config.budget.patience_metric]
    if isinstance(config.schedule, Plateau):
        names.append(config.schedule.metric)
    return tuple(cast(ExtraMetric, name) for name in dict.fromkeys(names) if name in get_args(ExtraMetric))


def check_metrics(config: TrialConfig, pack: Pack) -> None:
    """Refuse metrics that mean nothing on the images of `pack`.

    Raises:
        TrainingError: AUROC of other than two classes, or of a validation split that lacks one; top-5 accuracy of
            fewer than six classes.
    """
    wanted, classes = wanted_metrics(config), len(pack.class_names)
    if "val_auroc" in wanted and classes != 2:
        raise TrainingError(f"val_auroc needs data of two classes, {pack.source} has {classes}; try val_macro_f1")
    if "val_auroc" in wanted and any(0 in view.counts["val"] for view in pack.views):
        raise TrainingError("val_auroc needs validation images of both classes, one has none; raise data.val_fraction")
    if "val_top5_accuracy" in wanted and classes < _LEAST_FOR_TOP5:
        raise TrainingError(f"val_top5_accuracy needs more than five classes, {pack.source} has {classes}")


def check_decided(config: TrialConfig, fit_on: FitOn) -> None:
    """Refuse a configuration that is not settled, or cannot be trained so.

    Raises:
        TrainingError: `compile` is auto, or plateaus are to follow validation images that are trained on.
    """
    schedule = config.schedule
    if config.compile == "auto":
        raise TrainingError("compile: auto must be settled before a training begins, see decide_numerics")
    if isinstance(schedule, Plateau) and fit_on == "train_and_val" and schedule.metric.startswith("val_"):
        raise TrainingError(
            f"schedule: plateau follows {schedule.metric}, which a training on all images does not have; "
            "choose metric: train_loss, or piecewise with the factors of a trial"
        )
