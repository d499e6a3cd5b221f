"""Params and fixed values to a TrialConfig."""

from pathlib import Path

import pytest
from hpo.errors import SpaceError
from hpo.search.configuration.configure import configure
from hpo.spaces.find import bundled
from hpo.spaces.load import load_space
from hpo.spaces.parameter import Float
from hpo.spaces.space import Fixed, SearchSpace
from hpo.training.config import TrialConfig
from hpo.training.models.config import CustomModel, SimpleCnn
from hpo.training.optim.config import AdamW, Sgd

FILE = """
data: {source: digits, batch_size: {choices: [64, 128]}}
model: {choices: {./net.py:Net: {depth: {low: 1, high: 3}, act: relu}, simple_cnn: {width: 8}}}
optimizer: {choices: {sgd: {lr: {low: 0.01, high: 1.0}, momentum: 0.8}, adamw: }}
loss: {label_smoothing: 0}
"""


@pytest.fixture
def space(tmp_path: Path) -> SearchSpace:
    (tmp_path / "space.yaml").write_text(FILE)
    return load_space(str(tmp_path / "space.yaml"), TrialConfig)


def test_the_chosen_branches_make_the_configuration(space: SearchSpace) -> None:
    params = {"data.batch_size": 128, "model": "simple_cnn", "optimizer": "sgd", "optimizer.sgd.lr": 0.5}
    config = configure(space, params)
    assert config.data.source == "digits"
    assert config.data.batch_size == 128
    assert config.model == SimpleCnn(width=8)
    assert config.optimizer == Sgd(lr=0.5, momentum=0.8)


def test_a_users_model_gets_its_arguments(space: SearchSpace, tmp_path: Path) -> None:
    params = {"data.batch_size": 64, "model": "./net.py:Net", "model../net.py:Net.depth": 2, "optimizer": "adamw"}
    config = configure(space, params)
    assert isinstance(config.model, CustomModel)
    assert config.model.name == f"{tmp_path}/net.py:Net"
    assert config.model.arguments == {"depth": 2, "act": "relu"}
    assert config.optimizer == AdamW()


def test_configuring_twice_gives_the_same(space: SearchSpace) -> None:
    params = {"data.batch_size": 64, "model": "simple_cnn", "optimizer": "adamw"}
    assert configure(space, params) == configure(space, dict(reversed(params.items())))
    assert params == {"data.batch_size": 64, "model": "simple_cnn", "optimizer": "adamw"}


def test_a_missing_value_is_refused(space: SearchSpace) -> None:
    with pytest.raises(SpaceError, match=r"space: optimizer\.sgd\.lr: every dimension of a trial needs a value"):
        configure(space, {"data.batch_size": 64, "model": "simple_cnn", "optimizer": "sgd"})


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            SearchSpace("s", (Float("loss.label_smoothing", 0, 2),)),
            "s: loss.label_smoothing: must be less than 1, got 1.5",
        ),
        (SearchSpace("s", (Float("optimizer.lr", 0, 2),), (Fixed("optimizer.name", "sgdd"),)), "s: optimizer: "),
        (SearchSpace("s", (Float("optimizer.lr", 0, 2),), (Fixed("optimizer.name", "sgd"), Fixed("x", 1))), "s: x: "),
    ],
)
def test_a_configuration_that_is_none_is_refused_with_its_key(space: SearchSpace, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        configure(space, {space.parameters[0].key: 1.5})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("name", bundled())
def test_the_first_trial_of_a_bundled_space(name: str) -> None:
    space = load_space(name, TrialConfig)
    config = configure(space, space.priors())
    assert config.model.name == name
    assert TrialConfig.model_validate_json(config.model_dump_json()) == config
