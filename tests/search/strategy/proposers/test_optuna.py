"""Proposals: every registered sampler, by what it owes a search, and against an Optuna study with the same trials."""

import random
from collections.abc import Mapping
from typing import Any

import optuna
import pytest
from hpo.search.strategy.base import Proposer
from hpo.search.strategy.history import Finished, History
from hpo.search.strategy.proposers.build import build_proposer
from hpo.search.strategy.proposers.optuna import OptunaProposer
from hpo.search.strategy.proposers.suggest import distributions, suggest
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.spaces.configurations import key_of
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import SearchSpace
from optuna.trial import TrialState, create_trial

from ..setting import propose, setting

SGD, ADAMW = (("optimizer", "sgd"),), (("optimizer", "adamw"),)
SPACE = SearchSpace(
    "s",
    (
        Float("x", 0.0, 1.0),
        Choice("optimizer", ("adamw", "sgd"), branching=True),
        Float("optimizer.sgd.lr", 1e-3, 1.0, log=True, condition=SGD),
        Int("optimizer.adamw.depth", 1, 9, condition=ADAMW),
    ),
)
FINITE = SearchSpace("f", (Choice("batch", (32, 64, 128)), Choice("nesterov", (True, False))))


DRAWING = [name for name in SAMPLERS if name != "grid"]  # which draws nothing, and needs a space with an end


def proposer(sampler: str, seed: int = 0, space: SearchSpace = SPACE) -> Proposer:
    return propose(sampler, space, seed)


def optuna_proposer(sampler: str) -> OptunaProposer:
    made = proposer(sampler)
    assert isinstance(made, OptunaProposer)
    return made


def finished(number: int, params: Mapping[str, Any]) -> Finished:
    """A trial that is best near x = 0.3; every fifth was stopped, every seventh cannot be used."""
    value = -abs(params.get("x", 0.0) - 0.3)
    if number % 7 == 6:
        return Finished(number, params, None, complete=False, violation=1.0)
    return Finished(number, params, value, epoch=3, complete=number % 5 != 4)


def search(sampler: str, seed: int, trials: int) -> list[dict[str, Any]]:
    asked = proposer(sampler, seed)
    found = []
    for number in range(trials):
        params = asked.ask(number, {}, {})
        assert params is not None
        found.append(dict(params))
        asked.tell(finished(number, params))
    return found


@pytest.mark.parametrize("name", DRAWING)
def test_the_same_seed_and_history_propose_the_same_in_any_process(name: str) -> None:
    found = search(name, 3, 16)
    again = proposer(name, 3)
    trials = [finished(number, params) for number, params in enumerate(found[:15])]
    random.Random(0).shuffle(trials)
    for trial in trials:
        again.tell(trial)
    assert again.ask(15, {}, {}) == found[15]
    assert again.ask(15, {}, {}) == found[15]
    assert proposer(name, 4).ask(15, {}, {}) != found[15]


@pytest.mark.parametrize("name", DRAWING)
def test_no_two_trials_are_alike(name: str) -> None:
    assert len({params["x"] for params in search(name, 0, 25)}) == 25


@pytest.mark.parametrize("name", DRAWING)
def test_neighbouring_seeds_share_no_trial(name: str) -> None:
    """Trial n of seed s must not be trial n - 1 of seed s + 1, as it would be with seed + number."""
    first, second = ({params["x"] for params in search(name, seed, 10)} for seed in (0, 1))
    assert not first & second


def test_tpe_learns_also_from_what_is_left_of_a_long_history() -> None:
    """Bad trials beyond the bound, all about x = 0.9, and a few good ones that are older."""
    sampler = optuna_proposer("tpe").sampler
    asked = OptunaProposer(setting(SPACE), sampler, History("maximize", best=5, newest=20))
    draw = random.Random(0)
    for number in range(200):
        x = 0.3 + 0.01 * draw.random() if number < 5 else 0.8 + 0.2 * draw.random()
        asked.tell(Finished(number, {"x": x, "optimizer": "sgd", "optimizer.sgd.lr": 0.1}, -abs(x - 0.3)))
    proposed = [(asked.ask(number, {}, {}) or {})["x"] for number in range(200, 220)]
    assert sum(0.2 < x < 0.4 for x in proposed) >= 15


@pytest.mark.parametrize("name", ["tpe", "random", "qmc"])
@pytest.mark.parametrize("fixed", [{}, {"optimizer": "sgd", "optimizer.sgd.lr": 0.25}])
def test_proposals_are_those_of_an_optuna_study_with_the_same_trials(name: str, fixed: dict[str, Any]) -> None:
    kinds = distributions(SPACE)
    study, asked = optuna.create_study(direction="maximize"), proposer(name)
    for number, params in enumerate(search("random", 1, 30)):
        trial = finished(number, params)
        asked.tell(trial)
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE if trial.complete else TrialState.PRUNED,
                value=trial.value,
                params=params,
                distributions={key: kinds[key] for key in params},
                intermediate_values={} if trial.value is None else {3: trial.value},
                constraints={"usable": 1.0} if trial.violation else None,
            )
        )
    running = {"x": 0.31, "optimizer": "sgd", "optimizer.sgd.lr": 0.2}
    study.add_trial(
        create_trial(state=TrialState.RUNNING, params=running, distributions={key: kinds[key] for key in running})
    )
    study.sampler = optuna_proposer(name).sampler(31)
    theirs = study.ask()
    theirs._fixed_params = fixed
    assert asked.ask(31, fixed, {30: running}) == suggest(theirs, SPACE)


@pytest.mark.parametrize("name", DRAWING)
def test_proposals_stay_in_the_space_whatever_others_have_tried(name: str) -> None:
    asked = proposer(name)
    outside = {"x": 7.0, "theirs": "a", "optimizer": "sgd", "optimizer.sgd.lr": 0.1}
    for number in range(15):
        asked.tell(Finished(number, outside, float(number)))
    for number in range(15, 21):
        params = asked.ask(number, {}, {99: outside, 98: {}})
        assert params is not None
        SPACE.tree(params)
        assert all(SPACE.by_key[key].contains(value) for key, value in params.items())


@pytest.mark.parametrize("epoch", [1, 3])
def test_under_rungs_a_trial_counts_as_one_that_was_stopped_where_it_stands(epoch: int) -> None:
    """So a trial that waits at a rung is as good or as bad as what it has reached there."""
    for_running, ended = setting(SPACE), proposer("tpe")
    running = build_proposer(for_running, "tpe", for_running.curves)
    waiting = {}
    for number, params in enumerate(search("random", 1, 12)):
        value = -abs(params["x"] - 0.3)
        for at in range(1, epoch + 1):
            for_running.curves.report(number, at, value)
        waiting[number] = params
        ended.tell(Finished(number, params, value, epoch, complete=False))
    assert running.ask(50, {}, waiting) == ended.ask(50, {}, {})
    for_running.curves.report(3, epoch + 1, 0.0)  # and goes on
    waiting[3], later = waiting.pop(3), proposer("tpe")
    for number, params in waiting.items():
        at, value = (epoch + 1, 0.0) if number == 3 else (epoch, -abs(params["x"] - 0.3))
        later.tell(Finished(number, params, value, at, complete=False))
    assert running.ask(51, {}, waiting) == later.ask(51, {}, {})


def test_what_broke_teaches_nothing() -> None:
    one, other = proposer("tpe"), proposer("tpe")
    for number, params in enumerate(search("random", 1, 12)):
        one.tell(Finished(number, params, 0.5))
        other.tell(Finished(number, params, 0.5))
        other.tell(Finished(100 + number, params, None, complete=False, failed=True))
    assert one.ask(50, {}, {}) == other.ask(50, {}, {})


@pytest.mark.parametrize("name", SAMPLERS)
def test_each_configuration_of_a_finite_space_is_proposed_once(name: str) -> None:
    asked = proposer(name, space=FINITE)
    found, running = [], {}
    for number in range(6):
        params = asked.ask(number, {}, running)
        assert params is not None
        found.append(key_of(FINITE, params))
        if number % 2:
            asked.tell(Finished(number, params, 0.5, failed=number == 3))
        else:
            running[number] = params
    assert len(set(found)) == 6
    assert asked.ask(6, {}, running) is None
    assert asked.ask(6, {}, {}) is not None, "those that do not run any more and have not ended"


def test_what_was_asked_for_is_proposed_though_it_is_known() -> None:
    asked = proposer("random", space=FINITE)
    for number in range(2):
        params = asked.ask(number, {"batch": 32}, {})
        assert params is not None
        assert params["batch"] == 32
        asked.tell(Finished(number, params, 0.5))
    assert (asked.ask(2, {"batch": 32}, {}) or {})["batch"] == 32
    assert asked.ask(3, {"batch": 32, "nesterov": True}, {}) == {"batch": 32, "nesterov": True}
