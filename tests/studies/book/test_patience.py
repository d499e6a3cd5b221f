"""A store that is away is waited for."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hpo.studies import attributes
from hpo.studies.book.book import HEARTBEAT_S
from hpo.studies.book.terms import Row, Stop
from hpo.studies.store import pipeline
from hpo.studies.store.patience import LEAVE_AFTER_S, NOTE_AFTER_S, RETRY_S, LeftError, StoreAwayError
from hpo.studies.store.pipeline import SqlitePipeline
from hpo.studies.store.rows import Transaction
from hpo.studies.store.sqlite_file import BUSY_TIMEOUT_S
from hpo.studies.waiting import GIVE_UP_S
from optuna.trial import TrialState
from sqlalchemy.exc import OperationalError

from .store import Store, file_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return file_store(tmp_path)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite itself waits for nobody."""
    monkeypatch.setattr(pipeline, "LOCK_WAIT_S", 0)


@pytest.mark.usefixtures("hasty")
def test_a_store_that_is_away_is_waited_for_and_nothing_is_lost_or_done_twice(store: Store) -> None:
    book = store.book()
    book.claim(9)
    seen: list[Row] = []

    def noting(rows: Sequence[Row]) -> Mapping[int, Stop]:
        seen.extend(rows)
        return {0: Stop(2)}

    with store.away() as holder:
        store.while_away = lambda: holder.rollback() if store.now > 1000.0 + NOTE_AFTER_S else None
        answer = book.report([Row(0, 1, 0.1), Row(0, 2, 0.2)], noting)
    assert answer.decided == {0: Stop(2)}
    assert seen == [Row(0, 1, 0.1), Row(0, 2, 0.2)]
    assert store.trial().intermediate_values == {1: 0.1, 2: 0.2}
    assert store.notes == [
        "the study's store does not answer (database is locked); it is waited for, what trains goes on",
        "the study's store answers again",
    ]


@pytest.mark.usefixtures("hasty")
def test_whoever_decides_sees_no_row_twice_though_what_it_decides_cannot_be_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = store.book()
    book.claim(9)
    seen: list[Row] = []
    failures = iter([sqlite3.OperationalError("database is locked")])
    write = Transaction.set_attributes

    def failing(rows: Transaction, trial_id: int, notes: Mapping[str, Any]) -> None:
        for error in failures:
            raise OperationalError("UPDATE", {}, error)
        write(rows, trial_id, notes)

    monkeypatch.setattr(Transaction, "set_attributes", failing)

    def noting(rows: Sequence[Row]) -> Mapping[int, Stop]:
        seen.extend(rows)
        return {row.number: Stop(row.epoch) for row in rows}

    assert book.report([Row(0, 1, 0.1)], noting).decided == {0: Stop(1)}
    assert seen == [Row(0, 1, 0.1)]
    assert store.trial().user_attrs[attributes.DECISION] == {"stop": 1}


@pytest.mark.usefixtures("hasty")
def test_a_heartbeat_that_could_not_be_written_is_still_due(store: Store) -> None:
    book = store.book()
    book.claim(9)
    store.now += HEARTBEAT_S
    with store.away() as holder:
        store.while_away = holder.rollback
        assert book.heartbeat()
    assert store.trial().user_attrs[attributes.OWNER]["seen"] == 1000.0 + HEARTBEAT_S + RETRY_S


@pytest.mark.usefixtures("hasty")
def test_a_store_that_stays_away_ends_the_search_in_words(store: Store) -> None:
    book = store.book()
    book.claim(9)
    with store.away():
        store.while_away = lambda: setattr(store, "now", store.now + GIVE_UP_S / 2)
        with pytest.raises(StoreAwayError, match=r"^the study's store was away for 10 minutes: database is locked$"):
            book.release(0)


AWAY = (
    r"^the study's store does not answer \(database is locked\): the search ends without it, and the next run finds "
    "what is not written$"
)


@pytest.mark.usefixtures("hasty")
def test_whoever_leaves_while_a_store_is_away_does_not_wait(store: Store) -> None:
    book = store.book()
    book.claim(9)
    with store.away():
        store.while_away = lambda: book.leave() if store.now > 1000.0 + NOTE_AFTER_S else None
        with pytest.raises(LeftError, match=AWAY):
            book.report([Row(0, 1, 0.1)], lambda rows: {})
    assert store.now == pytest.approx(1000.0 + NOTE_AFTER_S + RETRY_S)
    assert LeftError.exit_code == 130


@pytest.mark.usefixtures("hasty")
def test_whoever_has_left_still_waits_for_a_neighbour_to_write(store: Store) -> None:
    book = store.book()
    book.claim(9)
    book.leave()
    with store.away() as holder:
        store.while_away = holder.rollback
        assert book.release(0).held
        holder.execute("BEGIN EXCLUSIVE")
        store.while_away = lambda: None
        with pytest.raises(LeftError, match=AWAY):
            book.claim(9)
    assert store.now == pytest.approx(1000.0 + RETRY_S + LEAVE_AFTER_S)


@pytest.mark.usefixtures("hasty")
def test_when_the_time_is_up_a_store_that_is_away_is_not_waited_for(store: Store) -> None:
    book = store.book(deadline=1060.0)
    with store.away(), pytest.raises(StoreAwayError, match=AWAY) as error:
        book.claim(9)
    assert store.now == 1060.0
    assert error.value.exit_code == 1


def test_no_transaction_waits_in_sqlite_for_longer_than_a_second(store: Store) -> None:
    """Python calls no handler of a signal meanwhile; whoever reads the file elsewhere waits as long as it does."""
    book = store.book()
    book.claim(9)
    with book._holdings.transaction() as rows:
        ((left,),) = rows._pipeline.ask("PRAGMA busy_timeout")()
    assert left == BUSY_TIMEOUT_S * 1000
    with store.away() as holder:
        store.while_away = holder.rollback
        assert book.release(0).held
    assert store.now == 1000.0 + RETRY_S  # asked twice


@pytest.mark.usefixtures("hasty")
def test_a_process_that_ends_does_not_wait(store: Store) -> None:
    book = store.book()
    book.claim(9)
    with store.away(), pytest.raises(OperationalError):
        book.abandon()
    assert store.now == 1000.0
    book.abandon()
    assert (store.trial().state, book.mine) == (TrialState.WAITING, ())


def test_a_claim_that_was_written_and_not_heard_of_is_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server went away as it had written it: who claims asks again, and gets another trial."""
    book, other = store.book(), store.book()
    failures = iter([sqlite3.OperationalError("database is locked")])
    commit = SqlitePipeline.commit

    def unheard(statements: SqlitePipeline) -> None:
        commit(statements)
        if store.study.trials:
            for error in failures:
                raise OperationalError("COMMIT", {}, error)

    monkeypatch.setattr(SqlitePipeline, "commit", unheard)
    assert book.claim(9) == 1
    assert other.recover() == []
    assert book.recover() == [0]
    assert book.claim(9) == 0
