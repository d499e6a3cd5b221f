"""Schedulers: every registered one by what it owes a search, and ours against Optuna's where they agree."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import optuna
import pytest
from hpo.search.strategy.base import GO, STOP, Decision, Scheduler
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.schedulers.hyperband import Hyperband
from hpo.search.strategy.schedulers.percentile import TRIALS_BEFORE, quantile
from hpo.search.strategy.schedulers.registry import SCHEDULERS, build_scheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.pruners import BasePruner, MedianPruner, PercentilePruner, SuccessiveHalvingPruner

EPOCHS = 9
Report = tuple[int, int, float]
"""A trial, its epoch, its value."""


def decisions(scheduler: Scheduler, reports: Sequence[Report], epochs: int = EPOCHS) -> Iterator[Decision]:
    """Decide on each report of a maximised objective, whatever was decided on those before."""
    curves = Curves("maximize", epochs)
    for trial, epoch, value in reports:
        assert curves.report(trial, epoch, value)
        yield scheduler.on_report(curves, trial)


def lengths(name: str, count: int, epochs: int = EPOCHS) -> list[int]:
    """The epochs that trials get one after the other, every second of which is bad."""
    scheduler, curves, got = build_scheduler(name, epochs), Curves("maximize", epochs), []
    for trial in range(count):
        height = 0.5 if trial % 2 == 0 else 0.1
        for epoch in range(1, epochs + 1):
            curves.report(trial, epoch, height * epoch / epochs)
            if scheduler.on_report(curves, trial) is STOP:
                break
        got.append(curves[trial].epoch)
    return got


# a threshold knows nothing of others, so it has to be told; patience waits for trials that do not get better
STOPPING = {"threshold": "threshold:0.09,3"}
NOT_HERE = ("none", "patient")


@pytest.mark.parametrize("name", [STOPPING.get(name, name) for name in SCHEDULERS if name not in NOT_HERE])
def test_a_scheduler_spares_the_good_and_stops_some_of_the_bad(name: str) -> None:
    epochs = lengths(name, 24)
    good, bad = epochs[0::2], epochs[1::2]
    assert max(good) == EPOCHS
    assert sum(bad) < sum(good)
    assert min(bad) < EPOCHS


def test_none_stops_nothing() -> None:
    assert lengths("none", 8) == [EPOCHS] * 8


@pytest.mark.parametrize(
    ("epochs", "first"), [(2, 2), (3, 2), (6, 2), (7, 3), (9, 3), (11, 3), (12, 3), (18, 4), (60, 11)]
)
def test_the_median_waits_for_four_trials_and_a_sixth_of_the_epochs(epochs: int, first: int) -> None:
    got = lengths("median", 10, epochs)
    assert got[:4] == [epochs] * 4
    assert set(got[5::2]) == {first}


def test_the_median_compares_with_what_ended_early_by_itself_and_not_with_what_was_stopped() -> None:
    scheduler, curves = build_scheduler("median", EPOCHS), Curves("maximize", EPOCHS)

    def decide(trial: int, value: float, epochs: int) -> Decision:
        for epoch in range(1, epochs + 1):
            curves.report(trial, epoch, value)
        return scheduler.on_report(curves, trial)

    for trial in range(TRIALS_BEFORE):
        decide(trial, 0.5, 5)
    assert decide(8, 0.1, 5) is GO
    for trial in range(TRIALS_BEFORE):
        curves.end(trial)
    assert decide(9, 0.1, 5) is STOP
    assert decide(10, 0.1, 6) is GO  # nobody was there


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_the_median_stops_what_is_no_number(value: float) -> None:
    reports = [(trial, epoch, value) for trial in range(5) for epoch in range(1, EPOCHS + 1)]
    assert list(decisions(build_scheduler("median", EPOCHS), reports))[-2] is STOP


def test_less_is_better_where_the_objective_is_minimised() -> None:
    curves, scheduler = Curves("minimize", EPOCHS), build_scheduler("median", EPOCHS)
    for trial, value in enumerate([0.5, 0.6, 0.7, 0.8, 0.55]):
        for epoch in range(1, EPOCHS if trial == TRIALS_BEFORE else EPOCHS + 1):
            curves.report(trial, epoch, value)
    assert scheduler.on_report(curves, 4) is GO
    curves.report(5, 1, 0.9)
    curves.report(5, 2, 0.9)
    curves.report(5, 3, 0.9)
    assert scheduler.on_report(curves, 5) is STOP


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.floats(0, 1))
def test_a_quantile_of_any_numbers_lies_between_its_neighbours(values: list[float], rank: float) -> None:
    values.sort()
    found, place = quantile(values, rank), rank * (len(values) - 1)
    if not math.isnan(found):  # between the infinities there is none
        lower, upper = values[math.floor(place)], values[math.ceil(place)]
        assert lower <= found <= upper or math.isclose(found, lower) or math.isclose(found, upper)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 1))
def test_a_quantile_is_that_of_numpy(values: list[float], rank: float) -> None:
    assert quantile(sorted(values), rank) == pytest.approx(float(np.quantile(values, rank)), abs=1e-6)


@given(st.lists(st.integers(0, 20), min_size=1), st.sampled_from([0.2, 0.25, 0.75, 0.8]))
def test_a_quantile_of_round_numbers_is_that_of_numpy_to_the_last_bit(values: list[int], rank: float) -> None:
    """So that a trial that has just that value is not below it."""
    assert quantile(sorted(map(float, values)), rank) == float(np.quantile(values, rank))


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("epochs", [1, 2, 5, 1000])
def test_every_budget_suits_every_scheduler(name: str, epochs: int) -> None:
    assert list(decisions(build_scheduler(name, epochs), [(0, 1, 0.5)], epochs)) == [GO]


def test_an_epoch_that_is_trained_again_changes_nothing() -> None:
    curves = Curves("maximize")
    assert curves.report(0, 1, 0.5)
    assert not curves.report(0, 1, 0.7)
    assert curves[0].best == 0.5


@st.composite
def records(draw: st.DrawFn, epochs: int = EPOCHS) -> list[Report]:
    """Reports of some trials in any order in which workers side by side make them."""
    trials = draw(st.integers(1, 12))
    left = dict.fromkeys(range(trials), 1)
    values, order = st.integers(0, 20), draw(st.randoms(use_true_random=False))
    reports: list[Report] = []
    while left:
        trial = order.choice(sorted(left)[:3])
        reports.append((trial, left[trial], draw(values) / 20))
        left[trial] += 1
        if left[trial] > epochs:
            del left[trial]
    return reports


def by_optuna(pruner: BasePruner, reports: Sequence[Report], epochs: int = EPOCHS) -> list[bool]:
    """Whether Optuna's `pruner` would stop the trial, after each of the reports."""
    study = optuna.create_study(direction="maximize", pruner=pruner)
    trials = {trial: study.ask() for trial in range(1 + max(trial for trial, _, _ in reports))}
    said = []
    for trial, epoch, value in reports:
        trials[trial].report(value, epoch)
        said.append(trials[trial].should_prune() and epoch < epochs)
        if epoch == epochs:
            study.tell(trials[trial], value)
    return said


@settings(max_examples=25, deadline=None)
@given(records())
def test_the_median_decides_as_that_of_optuna(reports: list[Report]) -> None:
    pruner = MedianPruner(n_startup_trials=TRIALS_BEFORE, n_warmup_steps=3)  # the first step that it looks at
    ours = [said is STOP for said in decisions(build_scheduler("median", EPOCHS), reports)]
    assert ours == by_optuna(pruner, reports)


@settings(max_examples=25, deadline=None)
@given(records(), st.sampled_from([20.0, 25.0, 75.0]))
def test_percentiles_decide_as_those_of_optuna(reports: list[Report], percent: float) -> None:
    pruner = PercentilePruner(percent, n_startup_trials=TRIALS_BEFORE, n_warmup_steps=3)
    ours = [said is STOP for said in decisions(build_scheduler(f"percentile:{percent}", EPOCHS), reports)]
    assert ours == by_optuna(pruner, reports)


@settings(max_examples=25, deadline=None)
@given(records(), st.sampled_from([("asha", 3, 1), ("asha:3", 3, 1), ("asha:2", 2, 2)]))
def test_asha_decides_as_that_of_optuna(reports: list[Report], named: tuple[str, int, int]) -> None:
    """Until a trial is stopped: Optuna asks it again at each later report, as it has not passed."""
    name, factor, first = named
    pruner = SuccessiveHalvingPruner(min_resource=first, reduction_factor=factor)
    stopped: set[int] = set()
    ours = decisions(build_scheduler(name, EPOCHS), reports)
    for (trial, epoch, _), said, theirs in zip(reports, ours, by_optuna(pruner, reports), strict=True):
        if trial not in stopped and epoch < EPOCHS:
            assert (said is STOP) == theirs
        stopped |= {trial} if said is STOP else set()


@settings(max_examples=25, deadline=None)
@given(records(), st.sampled_from(sorted(SCHEDULERS)), st.integers(0, 120))
def test_the_same_record_gives_the_same_decisions_after_a_restart(reports: list[Report], name: str, place: int) -> None:
    live = list(decisions(build_scheduler(name, EPOCHS), reports))
    assert list(decisions(build_scheduler(name, EPOCHS), reports[:place])) == live[:place]


@settings(max_examples=25, deadline=None)
@given(records(), st.sampled_from(sorted(SCHEDULERS)), st.integers(0, 20))
def test_what_comes_next_does_not_depend_on_the_order_in_which_ends_and_reports_are_read(
    reports: list[Report], name: str, value: int
) -> None:
    """After a restart the ends of trials are read before the reports."""
    said = []
    for again in (False, True):
        scheduler, curves = build_scheduler(name, EPOCHS), Curves("maximize")
        ends = [(trial, 0, 0.0) for trial, epoch, _ in reports if epoch == EPOCHS]
        record = [*ends, *reports] if again else [*reports, *ends]
        for trial, epoch, reached in record:
            if epoch and curves.report(trial, epoch, reached):
                scheduler.on_report(curves, trial)
            elif not epoch:
                curves.end(trial)
        decided = []
        for epoch in range(1, EPOCHS):
            curves.report(99, epoch, value / 20)
            decided.append(scheduler.on_report(curves, 99))
        said.append(decided)
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("epochs", "sizes"), [(1, [1]), (2, [1]), (3, [3, 2]), (9, [9, 5, 3]), (26, [9, 5, 3]), (27, [27, 12, 6, 4])]
)
def test_the_brackets_of_hyperband_share_the_trials_as_in_the_paper(epochs: int, sizes: list[int]) -> None:
    scheduler = Hyperband(epochs)
    brackets = [scheduler.bracket(trial) for trial in range(3 * sum(sizes))]
    assert [brackets.count(place) for place in range(len(sizes))] == [3 * size for size in sizes]
    assert brackets[0] == 0


@settings(max_examples=10, deadline=None)
@given(records())
def test_a_bracket_of_hyperband_is_a_successive_halving_of_its_own(reports: list[Report]) -> None:
    scheduler = Hyperband(EPOCHS)
    whole = dict(zip([report[:2] for report in reports], decisions(scheduler, reports), strict=True))
    for place in range(3):
        own = [report for report in reports if scheduler.bracket(report[0]) == place]
        alone = decisions(Hyperband(EPOCHS), own)
        assert [whole[report[:2]] for report in own] == list(alone)
