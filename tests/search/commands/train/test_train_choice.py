"""Which configuration `hpo train` means."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.errors import SpaceError, StudyError
from hpo.search.commands.train.options import TrainOptions
from hpo.search.commands.train.single import choose_single, usual
from hpo.spaces.parameter import Choice, Float, Int, Parameter, Scalar
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.training.config import TrialConfig
from hpo.training.optim.config import AdamW, Sgd

SPACE = """
model: {name: simple_cnn, width: {low: 8, high: 32, step: 8}, dropout: {low: 0.0, high: 0.5}}
optimizer:
  choices:
    sgd: {lr: {low: 0.01, high: 1.0, log: true}}
    adamw: {lr: {low: 1e-4, high: 1e-2, log: true, prior: 0.002}}
  prior: adamw
data: {source: digits, batch_size: {choices: [256, 64, 128]}}
"""


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (Float("x", 0.0, 1.0), 0.5),
        (Float("x", 0.0, 1.0, prior=0.1), 0.1),
        (Float("x", 0.01, 1.0, log=True), 0.1),
        (Float("x", 0.0, 0.9, step=0.3), 0.3),
        (Float("x", 0.1, 0.1), 0.1),
        (Int("x", 1, 10), 5),
        (Int("x", 8, 32, step=8), 16),
        (Int("x", 1, 100, log=True), 10),
        (Int("x", 3, 3), 3),
        (Choice("x", (256, 64, 128)), 128),
        (Choice("x", (64, 0.5)), 0.5),
        (Choice("x", ("relu", "gelu")), "relu"),
        (Choice("x", (None, 0.9)), None),
        (Choice("x", (False, True)), False),
        (Choice("x", ("relu", "gelu"), prior_index=1), "gelu"),
    ],
)
def test_the_usual_value(parameter: Parameter, expected: Scalar) -> None:
    found = usual(parameter)
    assert found == pytest.approx(expected) if isinstance(expected, float) else found == expected
    assert parameter.contains(found)


@pytest.fixture
def space(tmp_path: Path) -> str:
    (tmp_path / "mine.yaml").write_text(SPACE)
    return str(tmp_path / "mine.yaml")


def test_a_space_gives_priors_and_middles(space: str, tmp_path: Path) -> None:
    single = choose_single(TrainOptions(space=space), Home(tmp_path))
    assert (single.name, single.origin) == ("mine", "space mine")
    assert single.config.optimizer == AdamW(lr=0.002)
    assert single.config.data.batch_size == 128
    assert single.params["model.width"] == 16
    assert single.config.model.model_dump()["dropout"] == 0.25


def test_where_the_middles_are_forbidden_others_are_taken_and_priors_kept(space: str, tmp_path: Path) -> None:
    forbid = "forbid=[{model.width: 16, data.batch_size: 128}]"
    single = choose_single(TrainOptions(space=space, overrides=(forbid,)), Home(tmp_path))
    assert (single.params["model.width"], single.params["data.batch_size"]) != (16, 128)
    assert single.config.optimizer == AdamW(lr=0.002)
    assert single == choose_single(TrainOptions(space=space, overrides=(forbid,)), Home(tmp_path))


def test_values_may_be_given(space: str, tmp_path: Path) -> None:
    options = TrainOptions(
        space=space,
        overrides=("optimizer=sgd", "optimizer.lr=0.3", "model.width.high=8"),
        epochs=3,
        data="fashion_mnist",
    )
    single = choose_single(options, Home(tmp_path))
    assert single.config.optimizer == Sgd(lr=0.3)
    assert single.config.budget.epochs == 3
    assert single.config.data.source == "fashion_mnist"
    assert single.params == {"data.batch_size": 128, "model.dropout": 0.25, "model.width": 8}


@pytest.fixture
def home(tmp_path: Path, small_config: Callable[..., TrialConfig]) -> Home:
    """A home with a study of two trials, of which one has a configuration."""
    home = Home(tmp_path / "runs")
    home.root.mkdir()
    study = optuna.create_study(study_name="a/b", storage=open_storage(home.storage_url))
    config = small_config(metrics=["val_ece"], seed=9)
    for noted in ({attributes.CONFIG: config.model_dump_json()}, {}):
        study.add_trial(optuna.trial.create_trial(value=0.5, user_attrs=noted))
    return home


def test_a_trial_is_trained_as_it_was_saved(home: Home, small_config: Callable[..., TrialConfig]) -> None:
    single = choose_single(TrainOptions(trial="a/b/0", home=home.root), home)
    assert single.config == small_config(metrics=["val_ece"], seed=9)
    assert (single.origin, single.params) == ("trial 0 of study a/b", {})


def test_a_trial_may_be_changed(home: Home) -> None:
    options = TrainOptions(trial="a/b/0", overrides=("optimizer.lr=0.5",), epochs=7, home=home.root)
    config = choose_single(options, home).config
    assert (config.optimizer.lr, config.budget.epochs, config.seed) == (0.5, 7, 9)
    with pytest.raises(SpaceError, match=r"--set optimizer.lr=-1: optimizer.lr: must be greater than 0"):
        choose_single(TrainOptions(trial="a/b/0", overrides=("optimizer.lr=-1",), home=home.root), home)


@pytest.mark.parametrize(
    ("trial", "kind", "words"),
    [
        ("12", SpaceError, r"--trial must be STUDY/N, such as resnet/12, got '12'"),
        ("a/b/x", SpaceError, r"--trial must be STUDY/N"),
        ("a/b/7", StudyError, r"7"),
        ("other/0", StudyError, r"other"),
        ("a/b/1", StudyError, r"was not run by hpo"),
    ],
)
def test_a_trial_that_is_not_there(trial: str, kind: type[Exception], words: str, home: Home) -> None:
    with pytest.raises(kind, match=words):
        choose_single(TrainOptions(trial=trial, home=home.root), home)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, r"--space FILE or --trial STUDY/N must say what to train"),
        ({"space": "a", "trial": "b/1"}, r"give one of them"),
        ({"resume": True}, r"--resume needs --out DIR"),
        ({"resume": True, "out": Path("x"), "epochs": 3}, r"neither is given"),
        ({"resume": True, "out": Path("x"), "overrides": ("a=1",)}, r"neither is given"),
        ({"space": "a", "overrides": ("search.sampler=tpe",)}, r"--set search.sampler .* a training searches nothing"),
    ],
)
def test_what_does_not_fit_together(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        TrainOptions(**options)
