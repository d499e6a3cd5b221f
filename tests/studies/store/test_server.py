"""Stores on PostgreSQL and MariaDB: opened by many at once, away for a while, refused in words."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import optuna
import pytest
from hpo.errors import StudyError
from hpo.studies.store.exclusive import exclusive
from hpo.studies.store.patience import Patience, StoreAwayError
from hpo.studies.store.room import no_room_note
from hpo.studies.store.server import CONNECTIONS
from hpo.studies.store.storage import open_storage
from hpo.studies.store.transaction import transaction
from sqlalchemy import NullPool, create_engine, make_url, text

from ...servers import PASSWORD, Server, Wire


def without_driver(url: str) -> str:
    return make_url(url).set(drivername=url.partition("+")[0]).render_as_string(hide_password=False)


def test_an_empty_database_is_opened_by_many_at_once_over_a_slow_wire(server: Server) -> None:
    wire = Wire(server.port, delay_s=0.01)
    url = wire.through(server.database())
    with ThreadPoolExecutor(6) as many:
        studies = [*many.map(lambda _: open_storage(url).get_all_studies(), range(6))]
    assert studies == [[]] * 6
    wire.close()


def test_the_driver_needs_no_name(server: Server) -> None:
    storage = open_storage(without_driver(server.emptied()))
    assert storage.engine.dialect.driver in ("psycopg", "pymysql")


@pytest.mark.parametrize(
    ("kind", "driver", "ours"), [("postgresql", "psycopg2", "psycopg"), ("mysql", "mysqldb", "pymysql")]
)
def test_another_driver_is_refused_without_the_password(kind: str, driver: str, ours: str) -> None:
    with pytest.raises(
        StudyError, match=f"hpo speaks to {kind} through {ours}, got '{driver}'; begin with {kind}://"
    ) as refused:
        open_storage(f"{kind}+{driver}://hpo:s3cr3t@127.0.0.1/hpo")
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.set(database="none"), ("does not exist", "Unknown database")),
        (lambda url: url.set(password="wr0ng"), ("password authentication failed", "Access denied")),
    ],
)
def test_who_is_not_let_in_is_told_at_once_without_the_password(
    server: Server, change: Callable[..., object], words: tuple[str, str]
) -> None:
    notes: list[str] = []
    with pytest.raises(StudyError) as refused:
        open_storage(change(make_url(server.url)).render_as_string(hide_password=False), Patience(notes.append))  # type: ignore[attr-defined]
    assert any(word in str(refused.value) for word in words)
    assert not isinstance(refused.value, StoreAwayError)
    assert not notes
    assert "wr0ng" not in str(refused.value)
    assert PASSWORD not in str(refused.value)


def test_a_server_that_is_not_up_yet_is_waited_for(server: Server) -> None:
    wire = Wire(server.port)
    url = wire.through(server.database())
    wire.cut()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            wire.heal()

    open_storage(url, Patience(sleep=sleep))
    assert len(slept) >= 3
    wire.cut()
    with pytest.raises(StoreAwayError, match="was away for 0 minutes"):
        open_storage(url, Patience(sleep=sleep, give_up_s=0.0))
    with pytest.raises(StudyError):  # who has no patience
        open_storage(url)
    wire.close()


def test_two_connections_are_all_that_a_coordinator_takes(server: Server) -> None:
    storage = open_storage(server.emptied())
    study = optuna.create_study(storage=storage, study_name="s")
    with exclusive(storage, "s").hold(), transaction(storage.engine, study._study_id) as rows:
        assert rows.next_number()() == 0
        assert storage.engine.pool.checkedout() == CONNECTIONS  # type: ignore[attr-defined]


def test_who_takes_the_last_connections_of_a_server_is_told(server: Server) -> None:
    storage = open_storage(server.emptied())
    assert no_room_note(storage.engine) == ""
    others = create_engine(server.url, poolclass=NullPool)
    with ExitStack() as held:
        if storage.engine.dialect.name == "mariadb":  # which takes seconds to fill, and can be told to give fewer
            control = held.enter_context(others.connect())
            limit = control.execute(text("SELECT @@max_connections")).scalar_one()
            held.callback(control.execute, text(f"SET GLOBAL max_connections = {limit}"))
            control.execute(text("SET GLOBAL max_connections = 20"))
        while not (told := no_room_note(storage.engine)):
            held.enter_context(others.connect())
    words = re.fullmatch(r"(\d+) of the (\d+) connections that the study's server gives are taken, .*", told)
    assert words is not None
    assert 0 <= int(words[2]) - int(words[1]) < CONNECTIONS
    assert no_room_note(open_storage("sqlite://").engine) == ""


def test_a_connection_that_died_while_idle_is_replaced(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(server.port)
    storage = open_storage(wire.through(server.emptied()))
    for _ in range(CONNECTIONS):  # each is used in its turn
        assert storage.get_all_studies() == []
    monkeypatch.setattr("hpo.studies.store.server.PING_AFTER_S", 0.0)
    wire.cut()
    wire.heal()
    assert storage.get_all_studies() == []
    wire.close()


def test_the_lock_excludes_whoever_shares_the_study_and_nobody_else(server: Server) -> None:
    url = server.emptied()
    one, other = open_storage(url), open_storage(url)
    got = threading.Event()

    def take() -> None:
        with exclusive(other, "s").hold():
            got.set()

    with exclusive(one, "s").hold():
        with exclusive(other, "t").hold():
            pass
        thread = threading.Thread(target=take)
        thread.start()
        assert not got.wait(0.3)
    assert got.wait(10)
    thread.join()


def test_a_lock_is_lost_with_its_connection_and_what_was_done_stays(server: Server) -> None:
    wire = Wire(server.port)
    storage = open_storage(wire.through(server.emptied()))
    with exclusive(storage, "s").hold():
        wire.cut()
    wire.heal()
    with exclusive(storage, "s").hold():
        pass
    wire.close()


def test_who_stands_still_within_a_transaction_is_thrown_out_by_the_server(server: Server) -> None:
    storage = open_storage(server.emptied())
    study = optuna.create_study(storage=storage, study_name="s")
    limit = {
        "postgresql": "SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'",
        "mariadb": "SELECT 1000 * @@session.wait_timeout",
    }[storage.engine.dialect.name]
    with transaction(storage.engine, study._study_id) as rows:
        assert int(rows._pipeline.ask(limit)()[0][0]) == 120_000
