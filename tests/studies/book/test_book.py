"""The book without a search: claims, decisions, and epochs whose reports did not arrive."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hpo.studies import attributes
from hpo.studies.book.book import Book
from hpo.studies.book.owner import Owner
from hpo.studies.book.terms import Fence, Row, Stop, Stopped, TrialOutcome
from optuna.trial import TrialState

from .store import ENDED, Store, X, never


def test_a_claim_is_whole_from_the_first(store: Store) -> None:
    assert store.book().claim(1) == 0
    trial = store.trial()
    assert (trial.state, trial.params, trial.distributions) == (TrialState.RUNNING, {"x": 0.5}, X)
    owner = trial.user_attrs[attributes.OWNER]
    assert owner == Owner.me().as_attribute(owner["seen"], owner["book"])
    assert owner["seen"] == pytest.approx(store.time(), abs=60)
    assert trial.user_attrs[attributes.GENERATION] == 1
    assert trial.user_attrs[attributes.CONFIG] == "{}"


def test_coordinators_at_once_make_as_many_trials_as_were_asked_for(store: Store) -> None:
    books = [store.book() for _ in range(4)]
    together = threading.Barrier(len(books))
    claimed: list[Any] = []

    def work(book: Book[int]) -> None:
        together.wait()
        while (number := book.claim(10)) is not None:
            claimed.append(number)
            book.finish(number, ENDED)

    threads = [threading.Thread(target=work, args=(book,)) for book in books]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == list(range(10))
    assert [trial.state for trial in store.study.trials] == [TrialState.COMPLETE] * 10


def test_a_decision_is_in_the_store_as_soon_as_the_epoch_it_rests_on(store: Store) -> None:
    book = store.book()
    book.claim(9)
    answer = book.report([Row(0, 1, 0.1)], lambda rows: {0: Stop(1)})
    assert answer.decided == {0: Stop(1)}
    assert store.trial().user_attrs[attributes.DECISION] == {"stop": 1}
    assert store.trial().intermediate_values == {1: 0.1}


def test_a_trial_that_was_to_be_stopped_is_pruned_whoever_takes_it_over(store: Store) -> None:
    """Its coordinator was killed between the decision and the end of the training."""
    first, second = store.book(), store.book()
    first.claim(1)
    first.report([Row(0, 1, 0.3), Row(0, 2, 0.1)], lambda rows: {0: Stop(2)})
    store.kill()
    assert second.recover() == [0]
    assert second.claim(1) == Stopped(0, {"x": 0.5}, 0.1)
    assert (store.trial().state, store.trial().value) == (TrialState.PRUNED, 0.1)
    assert first.finish(0, ENDED) == Fence(held=False, state=TrialState.PRUNED)


def test_whoever_decides_sees_the_record_of_all_coordinators_once_and_in_order(store: Store) -> None:
    first, second = store.book(), store.book()
    first.claim(9)
    second.claim(9)
    seen: list[list[Row]] = []

    def noting(rows: Sequence[Row]) -> Mapping[int, Stop]:
        seen.append(list(rows))
        return {1: Stop(1)}  # a trial of the other one: nothing is written

    first.report([Row(0, 1, 0.1)], noting)
    second.report([Row(1, 1, 0.2)], never)
    first.report([Row(0, 2, 0.3), Row(0, 1, 0.9)], noting)
    assert seen == [[Row(0, 1, 0.1)], [Row(1, 1, 0.2), Row(0, 2, 0.3)]]
    assert attributes.DECISION not in store.trial(1).user_attrs


def test_numbers_that_are_none_are_kept(store: Store) -> None:
    book = store.book()
    book.claim(9)
    book.report([Row(0, 1, float("inf")), Row(0, 2, float("-inf")), Row(0, 3, float("nan"))], never)
    assert list(map(str, store.trial().intermediate_values.values())) == ["inf", "-inf", "nan"]
    book.finish(0, TrialOutcome(value=None, complete=False, usable=False))
    assert (store.trial().state, store.trial().value) == (TrialState.PRUNED, None)
    assert store.trial().constraints == {"usable": 1.0}


def test_epochs_whose_reports_did_not_arrive_are_recorded_at_the_end(store: Store) -> None:
    book = store.book()
    book.claim(9)
    book.report([Row(0, 1, 0.1)], never)
    assert book.finish(0, ENDED, [Row(0, epoch, epoch / 10) for epoch in (1, 2, 3)]).recorded == (2, 3)
    assert store.trial().intermediate_values == {1: 0.1, 2: 0.2, 3: 0.3}


def test_a_trial_that_is_excused_begins_with_no_loss_held_against_it(store: Store) -> None:
    """One kill more would else be taken for a trial that is too large, and the next silence for its fault."""
    book = store.book()
    book.claim(9)
    for loss in attributes.LOSSES:
        book.count(0, loss)
    book.excuse(0, "no card is left")
    assert book.claim(9) == 0
    assert [book.count(0, loss) for loss in attributes.LOSSES] == [1, 1, 1]
    assert store.trial().user_attrs[attributes.BROKE] == "no card is left"
