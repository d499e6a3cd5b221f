"""A store that is away is waited for."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hpo.errors import StudyError
from hpo.studies import attributes
from hpo.studies.book.book import HEARTBEAT_S
from hpo.studies.book.terms import Row, Stop
from hpo.studies.store import storage as storage_module
from hpo.studies.store.patience import GIVE_UP_S, RETRY_S
from hpo.studies.store.rows import Transaction
from optuna.trial import TrialState
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from .store import Store


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite itself waits for nobody."""
    monkeypatch.setattr(storage_module, "BUSY_TIMEOUT_S", 0)


@pytest.mark.usefixtures("hasty")
def test_a_store_that_is_away_is_waited_for_and_nothing_is_lost_or_done_twice(store: Store) -> None:
    book = store.book()
    book.claim(9)
    seen: list[Row] = []

    def noting(rows: Sequence[Row]) -> Mapping[int, Stop]:
        seen.extend(rows)
        return {0: Stop(2)}

    with store.away() as holder:
        asked = iter(range(3))
        store.while_away = lambda: None if next(asked) < 2 else holder.rollback()
        answer = book.report([Row(0, 1, 0.1), Row(0, 2, 0.2)], noting)
    assert answer.stops == {0: Stop(2)}
    assert seen == [Row(0, 1, 0.1), Row(0, 2, 0.2)]
    assert store.trial().intermediate_values == {1: 0.1, 2: 0.2}
    assert store.now == 1000.0 + 3 * RETRY_S
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

    assert book.report([Row(0, 1, 0.1)], noting).stops == {0: Stop(1)}
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
        with pytest.raises(StudyError, match=r"^the study's store was away for 12 hours: database is locked$"):
            book.release(0)


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
    commit = Connection.commit

    def unheard(connection: Connection) -> None:
        commit(connection)
        if store.study.trials:
            for error in failures:
                raise OperationalError("COMMIT", {}, error)

    monkeypatch.setattr(Connection, "commit", unheard)
    assert book.claim(9) == 1
    assert other.recover() == []
    assert book.recover() == [0]
    assert book.claim(9) == 0
