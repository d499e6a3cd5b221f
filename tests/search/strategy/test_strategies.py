"""Samplers and pruners: every registered one, by what it owes a search."""

import math
from collections.abc import Callable

import optuna
import pytest
from hpo.errors import SpaceError
from hpo.search.strategy.pruners.registry import PRUNERS, build_pruner
from hpo.search.strategy.samplers.registry import SAMPLERS, build_sampler
from optuna.trial import TrialState

EPOCHS = 9


def propose(sampler: str, seed: int, trials: int) -> list[tuple[float, str]]:
    """What is tried in `trials` trials, with a sampler made anew for each, as the book does."""
    study = optuna.create_study(direction="maximize")
    found = []
    for number in range(trials):
        study.sampler = build_sampler(sampler, seed, number)
        trial = study.ask()
        x = trial.suggest_float("x", 0, 1)
        branch = trial.suggest_categorical("branch", ["a", "b"])
        y = trial.suggest_float(f"{branch}.y", 1e-3, 1, log=True)
        study.tell(trial, -((x - 0.3) ** 2) - (y - 0.1) ** 2)
        found.append((x, branch))
    return found


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_seed_proposes_the_same(name: str) -> None:
    first = propose(name, 3, 15)
    assert propose(name, 3, 15) == first
    assert propose(name, 4, 15) != first


@pytest.mark.parametrize("name", SAMPLERS)
def test_no_two_trials_are_alike(name: str) -> None:
    assert len({x for x, _ in propose(name, 0, 25)}) == 25


@pytest.mark.parametrize("name", SAMPLERS)
def test_neighbouring_seeds_share_no_trial(name: str) -> None:
    """Trial n of seed s must not be trial n - 1 of seed s + 1, as it would be with seed + number."""
    assert not {x for x, _ in propose(name, 0, 10)} & {x for x, _ in propose(name, 1, 10)}


def test_tpe_learns() -> None:
    late = [abs(x - 0.3) for seed in range(3) for x, _ in propose("tpe", seed, 60)[40:]]
    chance = [abs(x - 0.3) for seed in range(3) for x, _ in propose("random", seed, 60)[40:]]
    assert sum(late) < 0.6 * sum(chance)


def test_hundreds_of_seeds_in_seconds() -> None:
    """TPE must find the peak of what a simulated search trains better than chance would."""

    def best(sampler: str, seed: int) -> float:
        study = optuna.create_study(direction="maximize")
        for number in range(24):
            study.sampler = build_sampler(sampler, seed, number)
            trial = study.ask()
            study.tell(trial, 1 - abs(math.log10(trial.suggest_float("lr", 1e-4, 1.0, log=True)) + 1.5) / 4)
        return study.best_value

    tpe, chance = (sorted(best(name, seed) for seed in range(40)) for name in ("tpe", "random"))
    assert tpe[20] > chance[20]


def curves(pruner: str, count: int, epochs: int = EPOCHS) -> list[int]:
    """The epochs that trials got one after the other, every second of which is bad."""
    study = optuna.create_study(direction="maximize", pruner=build_pruner(pruner, epochs))
    got = []
    for number in range(count):
        trial = study.ask()
        height = 0.5 if number % 2 == 0 else 0.1
        for epoch in range(1, epochs + 1):
            trial.report(height * epoch / epochs, epoch)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, height)
        got.append(epoch)
    return got


@pytest.mark.parametrize("name", [name for name in PRUNERS if name != "none"])
def test_a_pruner_spares_the_good_and_stops_some_of_the_bad(name: str) -> None:
    epochs = curves(name, 24)
    good, bad = epochs[0::2], epochs[1::2]
    assert max(good) == EPOCHS
    assert sum(bad) < sum(good)
    assert min(bad) < EPOCHS


def test_none_stops_nothing() -> None:
    assert curves("none", 8) == [EPOCHS] * 8


@pytest.mark.parametrize(("epochs", "first"), [(9, 1), (60, 10)])
def test_the_median_waits_for_four_trials_and_a_sixth_of_the_epochs(epochs: int, first: int) -> None:
    got = curves("median", 10, epochs)
    assert got[:4] == [epochs] * 4
    assert set(got[5::2]) == {first}


@pytest.mark.parametrize("name", PRUNERS)
@pytest.mark.parametrize("epochs", [1, 2, 5, 1000])
def test_every_budget_suits_every_pruner(name: str, epochs: int) -> None:
    study = optuna.create_study(pruner=build_pruner(name, epochs))
    trial = study.ask()
    trial.report(0.5, 1)
    assert trial.should_prune() in (True, False)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: build_sampler("tpee", 0, 0), "--sampler: unknown sampler 'tpee'; did you mean tpe?"),
        (lambda: build_sampler("x", 0, 0), "choose from qmc, random, tpe"),
        (lambda: build_pruner("hyper", 3), "did you mean hyperband?"),
        (lambda: build_pruner("x", 3), "choose from asha, hyperband, median, none"),
    ],
)
def test_an_unknown_name_is_told_with_the_choices(build: Callable[[], object], words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        build()
    assert words in str(caught.value)
