"""One configuration of a space, drawn by its number and trained to its end: what record.py and fidelity.py repeat."""

import tempfile
import time
from pathlib import Path

import torch
from curve_journal import Recorded, padded
from hpo.search.configuration.configure import configure
from hpo.search.strategy.base import Setting
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.proposers.build import build_proposer
from hpo.spaces.parameter import Scalar
from hpo.spaces.space import SearchSpace
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.loop.learner import Learner
from hpo.training.loop.validation import Validation
from hpo.training.machine.memory import Passes
from hpo.training.report import EpochReport
from hpo.training.train import train

SEED = 0  # of the study that the configurations could be of


def draw(space: SearchSpace, number: int) -> dict[str, Scalar]:
    """Return the configuration `number` of a space, the same on every data set."""
    setting = Setting(space, None, None, SEED, "maximize", 1, None, Curves("maximize"))
    params = build_proposer(setting, "random").ask(number, {}, {})
    assert params is not None  # no space here is finite
    return params


def record(space: SearchSpace, number: int, pack: Pack) -> Recorded:
    """Train configuration `number` to its end."""
    params = draw(space, number)
    config = configure(space, params)
    started = time.process_time()
    loss, accuracy = before_training(config, pack)
    with tempfile.TemporaryDirectory() as folder:
        reports = list(train(config, pack=pack.path, directory=Path(folder)))
    epochs = [report.metrics for report in reports if isinstance(report, EpochReport)]
    columns = 1 + config.budget.epochs
    return Recorded(
        number,
        params,
        padded([loss, *(epoch["val_loss"] for epoch in epochs)], columns, float("inf")),
        padded([accuracy, *(epoch["val_accuracy"] for epoch in epochs)], columns, float("nan")),
        time.process_time() - started,
    )


def before_training(config: TrialConfig, pack: Pack) -> tuple[float, float]:
    """Return validation loss and accuracy of the weights that a training begins with."""
    device = torch.device("cpu")
    learner = Learner.create(config, pack, device)
    evaluation, _ = Validation(pack, device, ()).evaluate(learner.judged, learner.precision, Passes(None))
    return evaluation.loss, evaluation.accuracy
