"""What Optuna is asked for, and under which names."""

from pathlib import Path

import optuna
import pytest
from hpo.search.strategy.proposers.suggest import distributions, suggest
from hpo.spaces.load import load_space
from hpo.spaces.space import SearchSpace
from hpo.training.config import TrialConfig
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FixedTrial, create_trial

FILE = """
data: {batch_size: {choices: [64, 128], prior: 128}}
model: {name: resnet, width: {low: 16, high: 64, step: 8}, dropout: {low: 0.0, high: 0.3, step: 0.1}}
optimizer:
  choices:
    sgd: {lr: {low: 0.01, high: 1.0, log: true}, momentum: 0.9}
    adamw: {max_grad_norm: {choices: [null, 1.0]}}
"""


@pytest.fixture
def space(tmp_path: Path) -> SearchSpace:
    (tmp_path / "space.yaml").write_text(FILE)
    return load_space(str(tmp_path / "space.yaml"), TrialConfig)


COMMON = {"data.batch_size": 64, "model.width": 24, "model.dropout": 0.1}


def test_distributions_hold_every_dimension_under_its_key(space: SearchSpace) -> None:
    assert distributions(space) == {
        "data.batch_size": CategoricalDistribution((64, 128)),
        "model.width": IntDistribution(16, 64, step=8),
        "model.dropout": FloatDistribution(0.0, 0.3, step=0.1),
        "optimizer": CategoricalDistribution(("adamw", "sgd")),
        "optimizer.sgd.lr": FloatDistribution(0.01, 1.0, log=True),
        "optimizer.adamw.max_grad_norm": CategoricalDistribution((None, 1.0)),
    }


@pytest.mark.parametrize(
    "branch",
    [{"optimizer": "sgd", "optimizer.sgd.lr": 0.5}, {"optimizer": "adamw", "optimizer.adamw.max_grad_norm": None}],
)
def test_suggests_the_dimensions_of_the_chosen_branch_alone(space: SearchSpace, branch: dict[str, object]) -> None:
    trial = FixedTrial({**COMMON, "optimizer.sgd.lr": 0.5, "optimizer.adamw.max_grad_norm": None, **branch})
    assert suggest(trial, space) == {**COMMON, **branch}
    assert trial.params == {**COMMON, **branch}


def test_trials_of_the_study_fit_the_distributions(space: SearchSpace) -> None:
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=4))
    every = distributions(space)
    params = {}
    for number in range(20):
        trial = study.ask()
        params = suggest(trial, space)
        assert trial.distributions == {key: every[key] for key in params}
        study.tell(trial, float(number))
    # A trial made elsewhere under the same distributions is one of the study.
    study.add_trial(create_trial(params=params, distributions={key: every[key] for key in params}, value=0.0))
    assert len(study.trials) == 21


def test_the_same_seed_suggests_the_same(space: SearchSpace) -> None:
    def first(seed: int) -> dict[str, object]:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        return dict(suggest(study.ask(), space))

    assert first(3) == first(3)
    assert len({str(first(seed)) for seed in range(5)}) > 1
