"""What a study had spent when each trial ended."""

from datetime import datetime, timedelta
from typing import Any

import optuna
import pytest
from hpo.studies import attributes
from hpo.studies.records.summarise import summarise
from hpo.studies.records.timeline import Moment, timeline
from optuna.trial import FrozenTrial, TrialState, create_trial

NOON = datetime(2026, 1, 1, 12)


def ran(start_s: float, end_s: float, *curve: float, state: str = "COMPLETE", **notes: Any) -> FrozenTrial:
    trial = create_trial(
        state=TrialState[state],
        value=curve[-1] if curve and state in ("COMPLETE", "PRUNED") else None,
        intermediate_values=dict(enumerate(curve, start=1)),
        user_attrs={attributes.CONFIG: "{}", **notes},
    )
    trial.datetime_start = NOON + timedelta(seconds=start_s)
    trial.datetime_complete = NOON + timedelta(seconds=end_s) if trial.state.is_finished() else None
    return trial


def moments(*trials: FrozenTrial, direction: str = "maximize") -> list[Moment]:
    study = optuna.create_study(study_name="s", direction=direction)
    study.add_trials(trials)
    return list(timeline(study._storage, summarise(study._storage, "s")))


def test_each_end_has_what_was_spent_by_then() -> None:
    told = moments(ran(0, 10, 0.1, 0.5), ran(10, 20, 0.2, 0.3), ran(20, 30, 0.6, 0.7))
    assert [(moment.trial, moment.epochs, moment.wall_s) for moment in told] == [(0, 2, 10), (1, 4, 20), (2, 6, 30)]
    assert [moment.improves for moment in told] == [True, False, True]


def test_they_stand_in_the_order_of_their_ends() -> None:
    told = moments(ran(0, 30, 0.1, 0.9, 0.9), ran(0, 10, 0.5), ran(10, 20, 0.6))
    assert [moment.trial for moment in told] == [1, 2, 0]
    # a third and two thirds of the first trial's epochs were trained by then
    assert [moment.epochs for moment in told] == pytest.approx([1 + 1, 2 + 2, 5])


def test_the_less_the_better_where_it_is_minimised() -> None:
    told = moments(ran(0, 1, 0.5), ran(1, 2, 0.6), ran(2, 3, 0.4), direction="minimize")
    assert [moment.improves for moment in told] == [True, False, True]


def test_trials_that_are_not_complete_cost_and_do_not_count() -> None:
    told = moments(ran(0, 10, 0.9, state="PRUNED"), ran(10, 20, state="FAIL"), ran(20, 30, 0.5))
    assert told == [Moment(2, 0.5, 2, 30, True)]


def test_the_time_between_two_runs_is_left_out() -> None:
    told = moments(ran(0, 10, 0.1), ran(1010, 1020, 0.2))
    assert [moment.wall_s for moment in told] == [10, 20]


def test_a_paused_trial_cost_when_it_trained() -> None:
    notes = {attributes.PAUSED: {"rung": 0}, attributes.DURATION_S: 5.0}
    told = moments(ran(0, 0, 0.1, state="RUNNING", **notes), ran(5, 10, 0.5), ran(10, 100, 0.6))
    assert [(moment.epochs, moment.wall_s) for moment in told] == [(2, 10), (3, 100)]


def test_trials_of_other_programs_count_where_there_are_no_others() -> None:
    foreign = [ran(0, 1, 0.9), ran(1, 2, 0.95)]
    for trial in foreign:
        del trial.user_attrs[attributes.CONFIG]
    assert [moment.trial for moment in moments(*foreign)] == [0, 1]
    assert [moment.trial for moment in moments(*foreign, ran(2, 3, 0.5))] == [2]


def test_an_empty_study_has_none() -> None:
    assert moments() == []
    assert moments(ran(0, 1, state="FAIL")) == []
