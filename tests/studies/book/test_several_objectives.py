"""Several objectives in the book: recorded by epoch, given out again, told, ranked by fronts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
from hpo.studies import attributes
from hpo.studies.book.book import Book
from hpo.studies.book.terms import FirstCome, Row, Stop, TrialOutcome
from optuna.trial import TrialState

from .store import Store, begin, never

BOTH = ["maximize", "minimize"]
ENDED = TrialOutcome(value=0.5, complete=True, usable=True, notes={attributes.STATUS: "finished"}, others=(3.0,))


def book_of(store: Store) -> Book[int]:
    study = optuna.create_study(storage=store.storage, study_name="two", directions=BOTH, load_if_exists=True)
    return Book(study, begin, lambda: store.now)


class Reading(FirstCome):
    """A plan that keeps what it is shown."""

    def __init__(self) -> None:
        self.read: list[Row] = []

    def decide(self, rows: Sequence[Row]) -> Mapping[int, Any]:
        self.read.extend(rows)
        return {}


def trials(store: Store) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(storage=store.storage, study_name="two").get_trials()


def test_epochs_are_recorded_and_given_out_with_all_objectives(store: Store) -> None:
    first, second = book_of(store), book_of(store)
    first.claim(9)
    seen: list[Row] = []

    def noting(rows: Sequence[Row]) -> Mapping[int, Stop]:
        seen.extend(rows)
        return {}

    rows = [Row(0, 1, 0.1, (3.0, 0.9)), Row(0, 2, 0.2, (3.0, 0.9)), Row(0, 3, 0.3, (3.0, 0.8))]
    first.report(rows[:2], never)
    first.report([rows[1], rows[2]], never)
    # what is as it was in the epoch before is not written again
    assert trials(store)[0].user_attrs[attributes.OTHERS] == {"1": [3.0, 0.9], "3": [3.0, 0.8]}
    second.claim(9)
    second.report([Row(1, 1, 0.7, (1.0, 0.5))], noting)
    assert seen == [Row(1, 1, 0.7, (1.0, 0.5))]  # the claim has given out those of the first trial
    plan = Reading()
    book_of(store).catch_up(plan)
    assert plan.read == [*rows, Row(1, 1, 0.7, (1.0, 0.5))]


def test_a_complete_trial_is_told_with_all_its_values_a_pruned_one_with_none(store: Store) -> None:
    book = book_of(store)
    for _ in range(2):
        book.claim(9)
    assert book.finish(0, ENDED, [Row(0, 1, 0.5, (3.0,))]).recorded == (1,)
    book.report([Row(1, 1, 0.4, (1.0,))], never)
    book.finish(1, replace(ENDED, complete=False))
    done, pruned = trials(store)
    assert (done.state, done.values) == (TrialState.COMPLETE, [0.5, 3.0])
    assert (pruned.state, pruned.values, pruned.intermediate_values) == (TrialState.PRUNED, None, {1: 0.4})


def test_the_best_are_the_front_and_what_breaks_a_constraint_is_not_among_them(store: Store) -> None:
    book = book_of(store)
    ends = [(0.9, 9.0), (0.8, 5.0), (0.7, 6.0), (0.6, 1.0), (0.99, 0.5)]
    for value, cost in ends:
        number = book.claim(9)
        assert isinstance(number, int)
        excess = 1.0 if value == 0.99 else -0.5
        book.finish(number, replace(ENDED, value=value, others=(cost,), excesses={"params_m": excess}))
    assert sorted(book.best(1)) == [0, 1, 3]  # all that no other dominates
    assert book.best(4)[3] == 2
    assert book.values() == {0: 0.9, 1: 0.8, 2: 0.7, 3: 0.6}
    assert trials(store)[4].constraints == {"params_m": 1.0}
    assert trials(store)[0].constraints == {"params_m": -0.5}


def test_with_one_objective_a_broken_constraint_never_wins_either(store: Store) -> None:
    book = store.book()
    for value, excess in ((0.9, 0.1), (0.8, 0.0), (0.7, -0.1)):
        number = book.claim(9)
        assert isinstance(number, int)
        book.finish(number, replace(ENDED, value=value, others=(), excesses={"val_ece": excess}))
    assert book.best(3) == [1, 2]
    assert store.study.best_trial.number == 1  # to Optuna, too
