"""Rungs that learn their quotas, on made-up curves of which it is known how much an early epoch tells."""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
from hpo.errors import SpaceError
from hpo.search.strategy.base import GO, Pause
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.strategies.learned_rungs import (
    BANDS,
    ENOUGH,
    MEASURED,
    NARROWEST,
    NARROWEST_ABOVE,
    PROBES,
    SLACK,
    TOP,
    WIDEST,
    LearnedPromotion,
    mean_place,
)
from hpo.search.strategy.strategies.rungs import even_promotion, rung_epochs
from hpo.search.strategy.strategy import build_strategy
from hypothesis import given, settings
from hypothesis import strategies as st

from .test_rungs import EPOCHS, SPACE, Study

TRIALS = 300


def learned(trials: int = TRIALS) -> LearnedPromotion:
    return LearnedPromotion(rung_epochs(EPOCHS), EPOCHS, trials)


@cache
def steady(trial: int, epoch: int) -> float:
    """The order of trials is that of any epoch."""
    return random.Random(trial).random()


@cache
def late(trial: int, epoch: int) -> float:
    """The order after the first epoch says nothing of that after the others."""
    return random.Random(f"{trial} {epoch > 1}").random()


def test_where_an_epoch_tells_all_few_go_on() -> None:
    scheduler = learned()
    study = Study(scheduler, TRIALS, steady).run(2)
    usual = Study(even_promotion(rung_epochs(EPOCHS), TRIALS), TRIALS, steady).run(2)
    assert scheduler.share(0) == NARROWEST
    assert sum(study.reached) < 0.7 * sum(usual.reached)
    best = max(range(TRIALS), key=lambda trial: steady(trial, 1))
    assert study.curves[best].complete


def test_where_it_tells_nothing_many_go_on() -> None:
    scheduler = learned()
    study = Study(scheduler, TRIALS, late).run(2)
    assert scheduler.share(0) > 3 * NARROWEST
    assert sum(epochs > 1 for epochs in study.reached) > TRIALS / 4


def test_some_of_those_beyond_the_quota_go_on_from_all_parts_of_the_rung() -> None:
    study = Study(learned(), TRIALS, steady).run(1)
    order = sorted(range(TRIALS), key=lambda trial: -steady(trial, 1))
    probed = [rank for rank, trial in enumerate(order) if rank >= TRIALS * NARROWEST and study.reached[trial] > 1]
    went_on = sum(epochs > 1 for epochs in study.reached)
    assert PROBES * went_on / 2 <= len(probed) <= 0.6 * went_on
    assert min(probed) < TRIALS / 8
    assert max(probed) > TRIALS / 5
    assert max(probed) <= TRIALS * WIDEST


def test_one_from_a_part_of_a_rung_of_which_few_went_on_counts_for_many() -> None:
    top = [rank / 160 for rank in range(1, 11)]  # all of the best sixteenth went on
    assert mean_place(top[:2], [10, 0, 0, 0, 0]) == pytest.approx(1.5 / 160)
    assert mean_place([0.2, top[0]], [10, 0, 1, 0, 0]) > 0.19, "one of an eighth of the rung, the other of 1/160"


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 200),
    st.integers(1, 6),
    st.integers(0, 9),
    st.sampled_from([steady, late]),
    st.sampled_from([EPOCHS, None]),
)
def test_the_share_is_that_of_the_best_quarter_at_the_next_rung(
    trials: int, workers: int, seed: int, value: Callable[[int, int], float], epochs: int | None
) -> None:
    scheduler = learned(trials)
    study = Study(scheduler, trials, value, curves=Curves("maximize", epochs)).run(workers, seed)
    for rung, (epoch, later) in enumerate(pairwise((*rung_epochs(EPOCHS), EPOCHS))):
        here, there = (ranked(study.curves, trials, at) for at in (epoch, later))
        places = {trial: (rank + 1) / len(here) for rank, trial in enumerate(here)}
        bands = Counter(bisect_left(BANDS, places[trial]) for trial in there)
        widths = [end - begin for begin, end in pairwise((0.0, *BANDS))]
        best = [places[trial] for trial in there[: max(1, len(there) // TOP)]]
        weights = [widths[band] / bands[band] for band in (bisect_left(BANDS, place) for place in best)]
        if len(there) >= ENOUGH:
            mean = sum(weight * place for weight, place in zip(weights, best, strict=True)) / sum(weights)
            expected = min(max(SLACK * mean, NARROWEST_ABOVE if rung else NARROWEST), WIDEST)
            assert scheduler.share(rung) == pytest.approx(expected)


def test_the_share_of_a_long_study_follows_from_some_of_the_best_quarter() -> None:
    scheduler, curves = LearnedPromotion([1], 2, None), Curves("maximize", 2)
    for epoch in (1, 2):
        for trial in range(40 * MEASURED):
            curves.report(trial, epoch, steady(trial, epoch))
            scheduler.on_report(curves, trial)
    assert scheduler.share(0) == pytest.approx(SLACK / (2 * TOP), rel=0.05)


def ranked(curves: Curves, trials: int, epoch: int) -> list[int]:
    """The trials that have come to an epoch, the best first."""
    came = [trial for trial in range(trials) if epoch in curves[trial].scores]
    return sorted(came, key=lambda trial: (-curves[trial].scores[epoch], trial))


def test_before_enough_is_known_a_quarter_goes_on() -> None:
    scheduler, curves = learned(), Curves("maximize", EPOCHS)
    said = []
    for trial, value in enumerate((0.5, 0.4, 0.3, 0.6)):
        curves.report(trial, 1, value)
        said.append(scheduler.on_report(curves, trial))
    assert said == [Pause(0), Pause(0), Pause(0), GO]


def test_the_best_at_a_rung_goes_on_when_that_costs_little_of_the_study() -> None:
    scheduler, curves = LearnedPromotion([1], 3, None), Curves("maximize", 3)
    for trial in range(8):
        curves.report(trial, 1, trial / 10)
        assert (scheduler.on_report(curves, trial) == GO) == (trial in {3, 4, 5, 6, 7}), "better than all before"


@pytest.mark.parametrize("workers", [1, 4])
def test_the_best_comes_to_its_end_in_a_study_of_few_trials(workers: int) -> None:
    for trials in (1, 2, 3, 5, 9):
        study = Study(learned(trials), trials, steady).run(workers)
        assert max(study.reached) == EPOCHS
        assert not study.running


def test_a_record_that_is_read_again_leads_to_the_same_choices() -> None:
    study = Study(learned(), 60, steady).run(3)
    again, curves = learned(), Curves("maximize", EPOCHS)
    for epoch in range(1, EPOCHS + 1):
        for trial in range(60):
            if epoch <= study.reached[trial]:
                curves.report(trial, epoch, steady(trial, epoch))
                again.on_report(curves, trial)
    for rung in range(len(rung_epochs(EPOCHS))):
        assert again.share(rung) == study.scheduler.share(rung)  # type: ignore[attr-defined]


def test_a_training_of_one_epoch_has_no_rungs() -> None:
    scheduler, curves = LearnedPromotion([], 1, 5), Curves("maximize", 1)
    curves.report(0, 1, 0.5)
    assert scheduler.on_report(curves, 0) == GO


def test_a_pruner_is_refused() -> None:
    with pytest.raises(SpaceError, match="learned_rungs decides by itself"):
        build_strategy(
            SPACE, strategy="learned_rungs", sampler=None, pruner="median", seed=0, direction="maximize", epochs=9
        )
