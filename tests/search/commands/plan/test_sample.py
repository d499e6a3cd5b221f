"""The configurations that a plan knows of: those that the search begins with."""

from collections.abc import Sequence
from pathlib import Path

import hpo
import pytest
from hpo.search.commands.plan.sample import DRAWN, Sample, sample
from hpo.search.commands.run.options import RunOptions
from hpo.search.configuration.space_file import SpaceFile
from hpo.search.strategy.strategy import build_strategy
from hpo.spaces.load import load_space
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.store.storage import hush_optuna, open_existing
from hpo.training.config import TrialConfig

SMALL = ("data.max_train=100", "model.width=4", "seed=5", "optimizer.lr={low: 0.001, high: 0.1, prior: 0.02}")


def sampled(
    sampler: str, overrides: Sequence[str] = SMALL, tried: Sequence[dict[str, float]] = (), done: int = 0
) -> Sample:
    hush_optuna()
    space = load_space("simple_cnn", SpaceFile, [*overrides, "data.source=digits", "budget.epochs=1"])
    strategy = build_strategy(
        space, strategy="pruning", sampler=sampler, pruner="none", seed=5, direction="maximize", epochs=1
    )
    return sample(space, strategy, sampler, tried, done)


@pytest.mark.slow
def test_a_search_begins_with_what_was_drawn(tmp_path: Path) -> None:
    tries = tmp_path / "tries.yaml"
    tries.write_text("- {model.dropout: 0.25}\n")
    options = RunOptions(
        space="simple_cnn",
        data="digits",
        epochs=1,
        trials=4,
        overrides=SMALL,
        home=tmp_path / "runs",
        sampler="tpe",
        pruner="none",
        device="cpu",
        executor="inline",
        try_file=tries,
        track=(),
        skip_export_check=True,
    )
    hpo.run(options)
    storage = open_existing(None, Home.locate(tmp_path / "runs"))
    trials = storage.get_all_trials(storage.get_study_id_from_name("simple_cnn"))
    trained = [TrialConfig.model_validate_json(trial.user_attrs[attributes.CONFIG]) for trial in trials]
    drawn = sampled("tpe", tried=[{"model.dropout": 0.25}]).configs[:4]
    assert [(config.model, config.optimizer, config.data.batch_size) for config in trained] == [
        (config.model, config.optimizer, config.data.batch_size) for config in drawn
    ]


@pytest.mark.parametrize(
    ("sampler", "done", "known"), [("tpe", 0, 8), ("forest", 5, 3), ("tpe", 30, 0), ("random", 30, DRAWN)]
)
def test_a_sampler_is_foreseen_until_it_learns(sampler: str, done: int, known: int) -> None:
    drawn = sampled(sampler, done=done)
    assert (len(drawn.configs), drawn.foreseen) == (DRAWN, known)


def test_a_grid_is_known_as_a_whole() -> None:
    two = (
        "model.width={choices: [4, 8]}",
        "model.dropout=0",
        "optimizer.lr=0.1",
        "optimizer.weight_decay=0",
        "data.batch_size=64",
    )
    drawn = sampled("grid", two)
    assert drawn.foreseen == len(drawn.configs)
    assert {config.model.width for config in drawn.configs[:2]} == {4, 8}
