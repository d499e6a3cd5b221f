"""Trials that are put in line before anything is drawn: once, whoever asks how often."""

import optuna
from hpo.studies import attributes
from hpo.studies.book.first_trials import FirstTrial, enqueue
from hpo.studies.store.storage import open_storage
from optuna.trial import TrialState

OLD = [FirstTrial({"x": 0.1}, {"study": "old", "trial": 3}), FirstTrial({"x": 0.2}, {"study": "old", "trial": 1})]
TRIED = FirstTrial({"x": 0.3}, {"try": {"x": 0.3}})


def study() -> optuna.Study:
    return optuna.create_study(storage=open_storage("sqlite://"))


def lined_up(study: optuna.Study) -> list[dict[str, float]]:
    assert all(trial.state is TrialState.WAITING for trial in study.trials)
    assert [trial.number for trial in study.trials] == list(range(len(study.trials)))
    return [trial.system_attrs["fixed_params"] for trial in study.trials]


def test_they_come_before_the_priors_and_say_where_they_are_from() -> None:
    new = study()
    assert enqueue(new, [TRIED, *OLD], {"x": 0.5}) == [TRIED, *OLD]
    assert lined_up(new) == [{"x": 0.3}, {"x": 0.1}, {"x": 0.2}, {"x": 0.5}]
    assert new.trials[1].user_attrs == {attributes.ORIGIN: {"study": "old", "trial": 3}}
    assert new.trials[3].user_attrs == {attributes.PRIOR: True}


def test_each_source_is_put_in_line_once_though_its_best_trials_change() -> None:
    new = study()
    enqueue(new, [TRIED, *OLD], {})
    better = FirstTrial({"x": 0.4}, {"study": "old", "trial": 7})
    assert enqueue(new, [TRIED, better, *OLD], {}) == []
    other = FirstTrial({"x": 0.4}, {"study": "other", "trial": 7})
    again = FirstTrial({"x": 0.35}, {"try": {"x": 0.35}})
    assert enqueue(new, [TRIED, again, other], {}) == [again, other]
    assert len(lined_up(new)) == 5


def test_optuna_takes_them_as_its_own() -> None:
    new = study()
    enqueue(new, OLD, {})
    trial = new.ask()
    assert trial.suggest_float("x", 0.0, 1.0) == 0.1
    new.tell(trial, 1.0)
    assert new.ask().suggest_float("x", 0.0, 1.0) == 0.2
