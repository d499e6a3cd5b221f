"""Trials that are paused at a rung, and studies of older versions."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import optuna
import psutil
import pytest
from hpo.studies import attributes
from hpo.studies.book.book import Book
from hpo.studies.book.choice import Choice, Resume
from hpo.studies.book.claims import Counts
from hpo.studies.book.owner import Owner
from hpo.studies.book.terms import Decided, Fence, FirstCome, Pause, Row, Settled, Stopped
from hpo.studies.records.summarise import summarise
from hpo.studies.store.pipeline import Answer
from hpo.studies.store.study_reader import StudyReader
from hpo.studies.waiting import GRACE_S
from optuna.trial import FrozenTrial, TrialState

from .store import ENDED, Store, X, never

RUNG = {"rung": 1}


def at_rung(rows: Sequence[Row]) -> Mapping[int, Decided]:
    """Pause every trial after its second epoch."""
    return {row.number: Pause(row.epoch, 1) for row in rows if row.epoch == 2}


class Promoting(FirstCome):
    """Resumes the given trials as soon as they are paused, else begins as many as can be."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = numbers

    def choose(self, paused: Collection[int], complete: Iterable[int], *, can_begin: bool, is_idle: bool) -> Choice:
        ready = [number for number in self._numbers if number in paused]
        return Resume(ready[0]) if ready else super().choose(paused, complete, can_begin=can_begin, is_idle=is_idle)


def pause(book: Book[int], number: int = 0) -> None:
    """Bring a trial of `book` to its rung, and off its worker."""
    answer = book.report([Row(number, 1, 0.1), Row(number, 2, 0.2)], at_rung)
    assert answer.decided == {number: Pause(2, 1)}
    assert book.release(number) == Fence(held=True, state=TrialState.RUNNING, rung=1)


def test_a_trial_at_a_rung_is_running_and_nobodys_and_counts(store: Store) -> None:
    book, other = store.book(), store.book()
    book.claim(9)
    pause(book)
    assert book.mine == ()
    assert other.counts() == Counts(finished=0, running=0, paused=1, waiting=0)
    store.now += 10 * GRACE_S
    assert other.recover() == []
    notes = store.trial().user_attrs
    assert (notes[attributes.PAUSED], notes[attributes.OWNER]) == (RUNG, None)
    record = summarise(store.storage, "s")
    assert (record.trial(0).state, record.trial(0).rung) == ("paused", 1)
    assert record.counts == {"complete": 0, "pruned": 0, "failed": 0, "running": 0, "waiting": 0, "paused": 1}


def test_a_trial_at_a_rung_is_resumed_by_one_and_does_not_count_twice(store: Store) -> None:
    book, other = store.book(), store.book()
    book.claim(2)
    pause(book)
    assert other.claim(2, Promoting(0)) == 0
    assert book.claim(2, Promoting(0)) == 1
    assert book.claim(2, Promoting(0)) is None
    notes = store.trial().user_attrs
    assert notes[attributes.GENERATION] == 2
    assert notes[attributes.PAUSED] is notes[attributes.DECISION] is None
    assert other.counts() == Counts(finished=0, running=2, paused=0, waiting=0)
    assert summarise(store.storage, "s").trial(0).rung is None
    other.finish(0, ENDED)
    assert store.trial().state is TrialState.COMPLETE
    assert book.counts() == Counts(finished=1, running=1, paused=0, waiting=0)


def test_trials_are_read_again_only_where_they_can_have_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    book = store.book()
    answered: list[list[int]] = []
    read = StudyReader.changed_trials

    def reading(own: StudyReader, *args: Any) -> Answer[list[FrozenTrial]]:
        def note(trials: list[FrozenTrial]) -> list[FrozenTrial]:
            answered.append([trial.number for trial in trials])
            return trials

        return read(own, *args).then(note)

    book.claim(9)
    pause(book)
    book.claim(9)
    monkeypatch.setattr(StudyReader, "changed_trials", reading)
    book.values()
    book.values()
    assert answered[-1] == []
    assert book.claim(9, Promoting(0)) == 0
    assert book.counts().running == 2
    assert answered[-1] == [0]
    book.finish(1, ENDED)
    store.study.enqueue_trial({"x": 0.5})
    assert book.counts() == Counts(finished=1, running=1, paused=0, waiting=1)
    assert answered[-1] == [1, 2]
    book.values()
    assert answered[-1] == [2]  # another program may take it, and draw its values one by one


def left_by_release(store: Store, book: Book[int]) -> None:
    book.release(0)


def left_by_end_of_process(store: Store, book: Book[int]) -> None:
    book.abandon()


def left_by_crash(store: Store, book: Book[int]) -> None:
    book.excuse(0, "it broke")


def left_by_kill(store: Store, book: Book[int]) -> None:
    store.kill()
    assert store.book().recover() == [0]


@pytest.mark.parametrize("leave", [left_by_release, left_by_end_of_process, left_by_crash, left_by_kill])
def test_a_decision_to_pause_is_carried_out_whatever_ends_the_run(
    store: Store, leave: Callable[[Store, Book[int]], None]
) -> None:
    book, other = store.book(), store.book()
    book.claim(9)
    book.report([Row(0, 1, 0.1), Row(0, 2, 0.2)], at_rung)
    assert store.trial().user_attrs[attributes.DECISION] == {"pause": 2, "rung": 1}
    leave(store, book)
    assert store.trial().user_attrs[attributes.PAUSED] == RUNG
    assert other.counts() == Counts(finished=0, running=0, paused=1, waiting=0)
    assert other.claim(9) == 1
    assert other.claim(9, Promoting(0)) == 0
    other.release(0)  # a decision that was carried out is none any more
    assert store.trial().state is TrialState.WAITING


def test_a_living_owner_keeps_a_trial_that_was_taken_for_orphaned_at_its_rung(store: Store) -> None:
    book, other = store.book(), store.book()
    book.claim(1)
    book.report([Row(0, 1, 0.1), Row(0, 2, 0.2)], at_rung)
    left_by_kill(store, book)
    assert book.claim(1, Promoting(0)) is None  # it trains here still
    assert book.report([Row(0, 3, 0.3)], at_rung).lost == {}
    assert store.trial().user_attrs[attributes.PAUSED] is None
    assert other.counts() == Counts(finished=0, running=1, paused=0, waiting=0)
    book.finish(0, ENDED)
    assert other.counts() == Counts(finished=1, running=0, paused=0, waiting=0)


def test_what_is_paused_is_pruned_with_its_last_value_once_none_goes_on(store: Store) -> None:
    book, other = store.book(), store.book()
    for number in range(3):
        book.claim(4)
        pause(book, number)
    other.claim(4)
    assert book.claim(4) is None  # one that runs may make another worth resuming
    other.finish(3, ENDED)
    answer = book.claim(4)
    assert answer == Settled([Stopped(number, {"x": 1 / (number + 2)}, 0.2, 1) for number in range(3)])
    assert [trial.state for trial in store.study.trials] == [TrialState.PRUNED] * 3 + [TrialState.COMPLETE]
    assert [trial.value for trial in store.study.trials] == [0.2] * 3 + [0.5]
    assert other.claim(4) is None
    assert other.counts() == book.counts() == Counts(finished=4, running=0, paused=0, waiting=0)


def test_what_another_program_ends_at_a_rung_is_not_resumed(store: Store) -> None:
    book = store.book()
    for number in range(2):
        book.claim(2)
        pause(book, number)
    book.counts()
    assert book.paused == {0, 1}
    store.study.tell(0, state=TrialState.PRUNED)
    assert book.claim(2, Promoting(0, 1)) == 1
    assert book.counts() == Counts(finished=1, running=1, paused=0, waiting=0)


def test_a_choice_follows_from_the_epochs_and_ends_of_all_coordinators(store: Store) -> None:
    book, other = store.book(), store.book()
    seen: list[object] = []

    class Noting(FirstCome):
        def decide(self, rows: Sequence[Row]) -> Mapping[int, Decided]:
            seen.extend(rows)
            return {}

        def choose(self, paused: Collection[int], complete: Iterable[int], *, can_begin: bool, is_idle: bool) -> Choice:
            seen.append((set(paused), list(complete), can_begin, is_idle))
            return super().choose(paused, complete, can_begin=can_begin, is_idle=is_idle)

    book.claim(9)
    pause(book)
    other.claim(2)
    other.report([Row(1, 1, 0.7)], never)
    book.claim(2, Noting())
    assert seen == [Row(1, 1, 0.7), ({0}, [], False, False)]
    other.finish(1, ENDED)
    book.claim(2, Noting())
    assert seen[2:] == [({0}, [1], False, True)]


@pytest.mark.parametrize("reset", [False, True])
def test_pauses_and_promotions_by_others_are_seen_however_rows_are_numbered(store: Store, reset: bool) -> None:
    """SQLite gives the number of the row that was deleted last to the next one."""
    book, other = store.book(), store.book()
    for turn in range(5):
        book.claim(1, Promoting(0))
        assert other.counts() == Counts(finished=0, running=1, paused=0, waiting=0)
        if turn:
            book.report([Row(0, 2 + turn, 0.2)], lambda rows: {row.number: Pause(row.epoch, 1) for row in rows})
            book.release(0)
        else:
            pause(book)
        assert other.counts() == Counts(finished=0, running=0, paused=1, waiting=0)
        if reset:
            other.recover()


def test_a_study_of_an_older_version_goes_on(store: Store) -> None:
    """Its owners have neither a namespace nor a generation, and began at a time of day."""
    owner = {**Owner.me().as_attribute(1000.0), "started": psutil.Process().create_time()}
    del owner["pid_namespace"], owner["book"]
    dead = {**owner, "started": owner["started"] - 3600}
    for notes, state in (({"owner": owner}, "RUNNING"), ({"owner": dead}, "RUNNING"), ({"owner": None}, "WAITING")):
        trial = optuna.trial.create_trial(
            state=TrialState[state], params={"x": 0.25}, distributions=X, user_attrs={"config": "{}", **notes}
        )
        store.study.add_trial(trial)
    book = store.book()
    assert book.counts() == Counts(finished=0, running=2, paused=0, waiting=1)
    assert book.recover() == [1]
    assert [book.claim(9), book.claim(9), book.claim(9)] == [1, 2, 3]
    assert [trial.user_attrs.get(attributes.GENERATION) for trial in store.study.trials] == [None, 1, 1, 1]
    assert store.trial(1).params == {"x": 0.25}
