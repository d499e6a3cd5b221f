"""Every sampler on a space with branches in branches, after trials that ended in all the ways there are."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hpo.common import trust
from hpo.search.strategy.base import Proposer
from hpo.search.strategy.history import Finished
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import SearchSpace

from .setting import propose

CNN, RESNET = (("model", "cnn"),), (("model", "resnet"),)
SGD, ADAM = (*RESNET, ("model.resnet.opt", "sgd")), (*RESNET, ("model.resnet.opt", "adam"))
NESTEROV = (*SGD, ("model.resnet.opt.sgd.kind", "nesterov"))
SPACE = SearchSpace(
    "levels",
    (
        Float("lr", 1e-4, 1.0, log=True, prior=0.01),
        Choice("batch", (32, 64, True)),
        Choice("model", ("cnn", "resnet"), branching=True),
        Int("model.cnn.width", 8, 64, log=True, condition=CNN),
        Float("model.cnn.dropout", 0.0, 0.5, step=0.1, condition=CNN),
        Int("model.resnet.depth", 2, 10, step=2, condition=RESNET),
        Choice("model.resnet.opt", ("adam", "sgd"), branching=True, condition=RESNET),
        Float("model.resnet.opt.adam.beta", 0.8, 0.99, condition=ADAM),
        Choice("model.resnet.opt.sgd.kind", ("nesterov", "plain"), branching=True, condition=SGD),
        Float("model.resnet.opt.sgd.kind.nesterov.momentum", 0.5, 0.99, condition=NESTEROV),
    ),
)
TRIALS = 40
RUNNING = {TRIALS + 1: {"lr": 0.1, "batch": 32, "model": "cnn", "model.cnn.width": 9, "model.cnn.dropout": 0.1}}
NAMED = [*("grid:4" if name == "grid" else name for name in SAMPLERS)]
IMPORTED = ["optuna.samplers:NSGAIIISampler", "optuna.samplers:CmaEsSampler", "optuna.samplers:TPESampler"]


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def history() -> list[Finished]:
    """Complete ones, pruned ones, some that broke constraints or broke at all, and one far out of all bounds."""
    asked, trials = propose("random", SPACE, seed=5), []
    for number in range(TRIALS):
        params = asked.ask(number, {}, {}) or {}
        kind, value = number % 8, float(params["lr"] or 0)  # type: ignore[arg-type]
        match kind:
            case 5:
                trials.append(Finished(number, params, value / 2, epoch=1 + number % 3, complete=False))
            case 6:
                trials.append(Finished(number, params, None, complete=False, violation=1.0))
            case 7:
                trials.append(Finished(number, params, None, complete=False, failed=True))
            case _:
                trials.append(Finished(number, params, -1e30 if number == 3 else value))
    return trials


def told(sampler: str, seed: int = 0, shuffled: bool = False) -> Proposer:
    asked, trials = propose(sampler, SPACE, seed), history()
    if shuffled:
        random.Random(1).shuffle(trials)
    for trial in trials:
        asked.tell(trial)
    return asked


def is_whole(params: Mapping[str, Any]) -> bool:
    SPACE.tree(params)
    return all(SPACE.by_key[key].contains(value) for key, value in params.items())


@pytest.mark.parametrize("name", NAMED)
def test_proposals_are_whole_in_branches_and_the_same_again(name: str) -> None:
    asked, again = told(name), told(name, shuffled=True)
    branches = set()
    for number in range(TRIALS + 2, TRIALS + (3 if name == "gp" else 12)):  # which takes its time
        params = asked.ask(number, {}, RUNNING)
        assert params is not None
        assert is_whole(params)
        branches.add(params["model"])
        if number < TRIALS + 3:
            assert again.ask(number, {}, RUNNING) == params
    if name in ("random", "qmc", "grid:4"):
        assert len(branches) == 2


@pytest.mark.parametrize("name", NAMED)
def test_what_is_fixed_is_kept_at_every_level(name: str) -> None:
    fixed = {"lr": 0.02, "model": "resnet", "model.resnet.opt": "sgd", "model.resnet.opt.sgd.kind": "nesterov"}
    params = told(name).ask(TRIALS + 2, fixed, RUNNING) or {}
    assert fixed.items() <= params.items()
    assert is_whole(params)
    assert "model.resnet.opt.sgd.kind.nesterov.momentum" in params


@pytest.mark.parametrize("name", [name for name in NAMED if name not in ("gp", "grid:4")])
def test_other_seeds_propose_others(name: str) -> None:
    assert told(name).ask(TRIALS + 2, {}, {}) != told(name, seed=1).ask(TRIALS + 2, {}, {})


@pytest.mark.parametrize("name", ["gp", "nsga2", "tpe"])
def test_those_that_learn_go_where_the_value_is_high(name: str) -> None:
    """Of the trials the better have a high learning rate, on whichever branch."""
    asked, chance = told(name), told("random")
    rates = [[(each.ask(number, {}, {}) or {})["lr"] for number in range(50, 53)] for each in (asked, chance)]
    learnt, drawn = (sorted(float(rate) for rate in some if isinstance(rate, float)) for some in rates)
    assert learnt[1] > drawn[1]


@pytest.mark.parametrize("name", IMPORTED)
def test_optunas_own_classes_are_taken_by_their_module(name: str) -> None:
    from hpo.search.strategy.imported_name import name_import

    assert "named here" in name_import(name)
    assert not name_import(name)
    assert trust.record_path() is not None
    params = told(name).ask(TRIALS + 2, {"model": "resnet"}, {}) or {}
    assert params["model"] == "resnet"
    assert is_whole(params)
