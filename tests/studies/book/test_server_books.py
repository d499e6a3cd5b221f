"""Books on database servers: wrong clocks, slow wires, restarts, and who is frozen."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from math import inf
from typing import Any

import optuna
import pytest
from hpo.studies import attributes
from hpo.studies.book.book import FIRST_COME, Book
from hpo.studies.book.heart import beating
from hpo.studies.book.owner import Owner
from hpo.studies.book.terms import FirstCome, Row
from hpo.studies.store.pipeline import Answer, ServerPipeline
from hpo.studies.store.study_reader import StudyReader
from hpo.studies.waiting import GRACE_S
from optuna.trial import TrialState

from ...servers import Server, Wire
from .store import ENDED, Store, never
from .test_paused import Promoting, pause

ME = Owner.me()
WRITING_S = 3.0
"""How long eight writers write; a minute of it was tried by hand."""


@pytest.fixture(params=["postgres", "pooler", "maria"])
def server(request: pytest.FixtureRequest) -> Server:
    chosen: Server = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def store(server: Server) -> Store:
    return Store(server.emptied())


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    made = Wire(server.port)
    yield made
    made.close()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look is from a machine of its own, all of one host name; the server has been up for long."""
    boots = count()
    monkeypatch.setattr(Owner, "me", lambda: replace(ME, boot=f"boot {next(boots)}"))
    monkeypatch.setattr(StudyReader, "uptime", lambda _: Answer(lambda: inf))


def pass_time(store: Store, seconds: float) -> None:
    """Let the last heartbeat of trial 0 be older by `seconds`."""
    trial = store.trial()
    owner = trial.user_attrs[attributes.OWNER]
    store.storage.set_trial_user_attr(trial._trial_id, attributes.OWNER, {**owner, "seen": owner["seen"] - seconds})


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("skew_s", [-7200.0, 7200.0])
def test_who_lives_keeps_its_trial_and_who_is_silent_loses_it_whatever_its_clock_shows(
    store: Store, skew_s: float
) -> None:
    one, other = store.book(skew_s=skew_s), store.book()
    assert one.claim(9) == 0
    for _ in range(2):
        pass_time(store, GRACE_S - 60)
        assert other.recover() == []
        one.beat()
        assert other.recover() == []
    pass_time(store, GRACE_S + 1)
    assert other.recover() == [0]


@pytest.mark.usefixtures("elsewhere")
def test_a_trial_has_the_times_of_the_server(store: Store) -> None:
    book = store.book()
    book.claim(9)
    book.finish(0, ENDED)
    trial, now = store.trial(), datetime.now()
    assert trial.datetime_start is not None
    assert trial.datetime_complete is not None
    assert now - timedelta(seconds=60) < trial.datetime_start <= trial.datetime_complete < now + timedelta(seconds=1)


def test_heartbeats_come_while_the_search_is_busy_with_something_else(store: Store) -> None:
    book = store.book(grace_s=1.0)
    book.claim(9)
    before = store.trial().user_attrs[attributes.OWNER]["seen"]
    with beating(book):
        while store.trial().user_attrs[attributes.OWNER]["seen"] == before:
            time.sleep(0.05)


def test_nobody_is_silent_while_the_server_is_down(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Owner, "me", lambda: replace(ME, boot="another"))
    store.book(grace_s=24 * 3600).claim(9)
    monkeypatch.undo()
    pass_time(store, 48 * 3600)  # of which it has been up for some seconds
    assert store.book().recover() == []


@pytest.mark.usefixtures("elsewhere")
def test_who_was_frozen_past_its_grace_writes_nothing_and_takes_other_work(store: Store) -> None:
    frozen, other = store.book(), store.book()
    assert frozen.claim(9) == 0
    pass_time(store, GRACE_S + 1)
    assert other.recover() == [0]
    assert other.claim(9) == 0
    other.report([Row(0, 1, 0.2)], never)
    frozen.beat()
    answer = frozen.report([Row(0, 1, 0.9), Row(0, 2, 0.9)], never)
    assert set(answer.lost) == {0}
    assert store.trial().intermediate_values == {1: 0.2}
    assert frozen.claim(9) == 1
    assert other.finish(0, ENDED).held


def test_a_heartbeat_never_takes_for_ours_what_is_just_put_back(store: Store) -> None:
    book, done = store.book(), threading.Event()

    def beat() -> None:
        while not done.wait(0.005):  # no lock is fair: one that is asked for all the time is never another's
            book.beat()

    with ThreadPoolExecutor(1) as other:
        beats = other.submit(beat)
        for _ in range(20):
            number = book.claim(1)
            assert number == 0
            assert book.release(0).state is TrialState.WAITING
            assert store.trial().state is TrialState.WAITING
            assert not store.trial().user_attrs[attributes.OWNER]
        done.set()
        beats.result()


def test_many_that_claim_at_once_over_a_slow_wire_begin_as_many_as_were_asked_for(store: Store, wire: Wire) -> None:
    wire.delay_s = 0.002
    books = [store.book(url=wire.through(store.url)) for _ in range(6)]

    def work(book: Book[int]) -> list[int | None]:
        return [book.claim(4), book.claim(4)]

    with ThreadPoolExecutor(6) as many:
        claimed = [number for each in many.map(work, books) for number in each if number is not None]
    assert sorted(claimed) == [0, 1, 2, 3]
    assert len(store.study.get_trials()) == 4


def test_a_claim_has_the_study_for_itself_for_three_round_trips(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    book, other, sent = store.book(), store.book(), [0]
    execute = ServerPipeline._execute

    def counted(*args: Any) -> None:
        sent[0] += 1
        execute(*args)

    monkeypatch.setattr(ServerPipeline, "_execute", counted)

    def round_trips(number: int, plan: FirstCome = FIRST_COME) -> int:
        sent[0] = 0
        assert book.claim(9, plan) == number
        return sent[0]

    store.study.enqueue_trial({"x": 0.5})
    assert round_trips(0) == 3  # one that waits
    assert other.claim(9) == 1
    assert round_trips(2) == 3  # a new one
    pause(book, 2)
    assert round_trips(2, Promoting(2)) == 3
    sent[0] = 0
    book.report([Row(0, 1, 0.1), Row(2, 3, 0.2)], never)
    assert sent[0] == 2


def test_eight_writers_at_once_never_stumble_over_each_other(store: Store) -> None:
    """Deadlocks and lock waits that are too long are tried again, and nobody hears of them."""
    until = time.monotonic() + WRITING_S

    def write(each: int) -> Counter[str]:
        book, done = store.book(grace_s=1.0), Counter[str]()
        with beating(book):
            while time.monotonic() < until:
                number = book.claim(None)
                assert number is not None
                for epoch in (1, 2, 3):
                    assert not book.report([Row(number, epoch, each + epoch / 10)], never).lost
                book.heartbeat()
                assert book.recover() == []
                if done["finished"] % 4 == each % 4 and not done["put back"]:
                    done["put back"] += book.release(number).held
                else:
                    done["finished"] += book.finish(number, ENDED).held
        return done

    with ThreadPoolExecutor(8) as many:
        done = sum(many.map(write, range(8)), Counter())
    trials = store.study.get_trials()
    assert [trial.number for trial in trials] == [*range(len(trials))]
    assert sum(trial.state is TrialState.COMPLETE for trial in trials) == done["finished"]
    assert all(sorted(trial.intermediate_values) == [1, 2, 3] for trial in trials if trial.state is TrialState.COMPLETE)
    assert not store.notes


def test_trials_of_plain_optuna_and_ours_have_numbers_of_their_own(store: Store) -> None:
    def ours() -> list[object]:
        book = store.book()
        return [book.claim(None) for _ in range(8)]

    def theirs() -> list[object]:
        study = optuna.load_study(study_name="s", storage=optuna.storages.RDBStorage(store.url))
        return [study.ask().number for _ in range(8)]

    with ThreadPoolExecutor(4) as many:
        work = [many.submit(each) for each in (ours, theirs, ours, theirs)]
        numbers = [number for each in work for number in each.result()]
    assert sorted(numbers) == [*range(32)]  # type: ignore[type-var]


def test_a_server_that_is_cut_off_is_waited_for_and_nothing_is_written_twice(store: Store, wire: Wire) -> None:
    book = store.book(url=wire.through(store.url))
    assert book.claim(9) == 0
    wire.cut()
    store.while_away = lambda: wire.heal() if store.now > 1020 else None
    answer = book.report([Row(0, 1, 0.1), Row(0, 2, 0.2)], never)
    assert sorted(answer.recorded) == [(0, 1), (0, 2)]
    assert store.trial().intermediate_values == {1: 0.1, 2: 0.2}
    assert [note.partition(" (")[0] for note in store.notes] == [
        "the study's store does not answer",
        "the study's store answers again",
    ]
