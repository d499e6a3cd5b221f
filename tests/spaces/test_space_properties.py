"""Properties of every valid space."""

import itertools
import json
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import optuna
from hpo.search.configuration.configure import configure
from hpo.search.strategy.proposers.suggest import distributions, suggest
from hpo.spaces.describe import describe
from hpo.spaces.dump import dump_space
from hpo.spaces.load import load_space
from hpo.spaces.parameter import Choice
from hpo.spaces.schema import json_schema
from hpo.spaces.space import SearchSpace
from hpo.studies.book.space_changes import changes
from hpo.training.config import TrialConfig
from hypothesis import given
from hypothesis import strategies as st

from .generated import TREES, Tree, load, quick

optuna.logging.set_verbosity(optuna.logging.WARNING)
VALIDATOR = jsonschema.Draft202012Validator(json_schema(TrialConfig))


def reordered(tree: Any) -> Any:
    """The same mappings, backwards."""
    return {key: reordered(tree[key]) for key in reversed(tree)} if isinstance(tree, dict) else tree


@quick
@given(TREES)
def test_a_space_does_not_depend_on_the_order_of_its_file(tree: Tree) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spaces = []
        for version in (tree, reordered(tree)):
            (Path(folder) / "space.yaml").write_text(json.dumps(version), encoding="utf-8")
            spaces.append(load_space(f"{folder}/space.yaml", TrialConfig))
    one, other = spaces
    assert one.canonical() == other.canonical()
    assert one.hash == other.hash
    assert one.priors() == other.priors()
    assert changes(one.canonical(), other.canonical()) == []


@quick
@given(TREES)
def test_a_space_written_down_loads_again(tree: Tree) -> None:
    space = load(tree)
    again = load(dump_space(space))
    assert again.canonical() == space.canonical()
    assert set(again.parameters) == set(space.parameters)
    assert again.fixed == space.fixed
    assert json.loads(json.dumps(space.canonical())) == space.canonical()


@quick
@given(TREES, st.integers(0, 2**31))
def test_every_suggested_configuration_is_valid(tree: Tree, seed: int) -> None:
    space = load(tree)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask()
    params = suggest(trial, space)
    config = configure(space, params)
    assert TrialConfig.model_validate_json(config.model_dump_json()) == config
    assert trial.params == params
    assert trial.distributions == {key: found for key, found in distributions(space).items() if key in params}
    for parameter in space.parameters:
        chosen = all(params.get(key) == branch for key, branch in parameter.condition)
        assert (parameter.key in params) == chosen
        assert not chosen or parameter.contains(params[parameter.key])


@quick
@given(TREES)
def test_priors_are_a_configuration_that_optuna_takes_as_it_is(tree: Tree) -> None:
    space = load(tree)
    priors = space.priors()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(priors)
    params = suggest(study.ask(), space)
    assert {key: params[key] for key in priors} == priors
    for parameter in space.active(params):
        assert parameter.key not in priors or parameter.contains(priors[parameter.key])
        assert (parameter.key in priors) == (
            parameter.has_prior and all(key in priors for key, _ in parameter.condition)
        )


@quick
@given(TREES)
def test_size_is_the_number_of_configurations(tree: Tree) -> None:
    space = load(tree)
    size = space.size()
    assert describe(space).size == size >= 1
    if size <= 200:
        assert len(set(map(json.dumps, enumerate_params(space)))) == size


def enumerate_params(space: SearchSpace) -> list[Tree]:
    """Every configuration of a small space, by brute force."""
    found: list[Tree] = [{}]
    for parameter in space.parameters:
        values: Any
        if isinstance(parameter, Choice):
            values = parameter.choices
        else:
            values = [parameter.low + i * (parameter.step or 1) for i in range(int(parameter.size()))]
        active = [all(params.get(key) == branch for key, branch in parameter.condition) for params in found]
        found = list(
            itertools.chain.from_iterable(
                [{**params, parameter.key: value} for value in values] if here else [params]
                for params, here in zip(found, active, strict=True)
            )
        )
    return found


@quick
@given(TREES)
def test_editors_accept_what_loads(tree: Tree) -> None:
    load(tree)
    VALIDATOR.validate(tree)
