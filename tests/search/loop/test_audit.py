"""Searches with an audit: some trials run on that would be stopped, and the search is the same for all others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hpo.search.loop.goal import Outcome
from hpo.search.strategy.strategy import Strategy
from hpo.studies import attributes
from optuna.trial import FrozenTrial, TrialState

from .world import EPOCHS, Screen, World

TRIALS = 60
SHARE = 0.25

STRATEGIES: dict[str, Callable[[World, float], Strategy]] = {
    "median": lambda world, audit: world.strategy("tpe", pruner="median", audit=audit),
    "asha": lambda world, audit: world.strategy("random", pruner="asha", audit=audit),
    **{
        name: lambda world, audit, name=name: world.at_rungs(TRIALS, name, "forest", audit)  # type: ignore[misc]
        for name in ("rungs", "narrow_rungs", "learned_rungs", "one_epoch_then_best")
    },
}


def search(directory: Path, strategy: str, audit: float, **how: Any) -> list[FrozenTrial]:
    """A search of one worker, as its trials stand in the end."""
    directory.mkdir(exist_ok=True)
    world = World(directory)
    loop = world.loop(TRIALS, strategy=STRATEGIES[strategy](world, audit), slots=1, **how)
    assert loop.run() is Outcome.DONE
    return world.trials()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_audit_changes_nothing_for_the_other_trials(tmp_path: Path, strategy: str) -> None:
    plain, audited = search(tmp_path / "plain", strategy, 0.0), search(tmp_path / "audited", strategy, SHARE)
    spared = [trial for trial in audited if attributes.AUDIT in trial.user_attrs]
    assert len(spared) >= TRIALS // 10
    assert not any(attributes.AUDIT in trial.user_attrs for trial in plain)
    for before, after in zip(plain, audited, strict=True):
        assert before.params == after.params, before.number
        if after in spared:
            assert after.state is TrialState.COMPLETE
            assert len(after.intermediate_values) == EPOCHS
            assert before.intermediate_values.items() <= after.intermediate_values.items()
            assert after.user_attrs[attributes.AUDIT]["epoch"] <= len(before.intermediate_values)
        else:
            assert (before.state, before.intermediate_values) == (after.state, after.intermediate_values)


def test_what_runs_on_is_told_with_the_epoch_at_which_it_would_have_been_stopped(tmp_path: Path) -> None:
    screen = Screen()
    trials = search(tmp_path / "study", "rungs", SHARE, progress=screen)
    noted = {
        trial.number: trial.user_attrs[attributes.AUDIT] for trial in trials if attributes.AUDIT in trial.user_attrs
    }
    assert [note for note in screen.notes if "audit" in note] == [
        f"trial {number} would be paused at rung {at['rung']} after epoch {at['epoch']}, and runs on for the audit"
        for number, at in noted.items()
    ]


@pytest.mark.parametrize("strategy", ["median", "rungs"])
def test_after_a_restart_the_same_trials_are_audited(tmp_path: Path, strategy: str) -> None:
    whole = search(tmp_path / "whole", strategy, SHARE)
    world = World(tmp_path)
    for deadline in (*range(95, 4000, 300), 10**6):  # in the middle of an epoch
        loop = world.loop(TRIALS, strategy=STRATEGIES[strategy](world, SHARE), slots=1, deadline=float(deadline))
        outcome = loop.run()
    assert outcome is Outcome.DONE
    assert [trial.params for trial in world.trials()] == [trial.params for trial in whole]
    assert [trial.intermediate_values for trial in world.trials()] == [trial.intermediate_values for trial in whole]
    assert [trial.user_attrs.get(attributes.AUDIT) for trial in world.trials()] == [
        trial.user_attrs.get(attributes.AUDIT) for trial in whole
    ]
