"""Whose trials are taken over: those of machines, containers and boots, whatever their clocks show."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hpo.errors import StudyError
from hpo.studies import attributes
from hpo.studies.book.book import HEARTBEAT_S, Book
from hpo.studies.waiting import GRACE_S
from optuna.trial import TrialState

from .store import Store, file_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return file_store(tmp_path)


MACHINE = {"host": "another-host", "boot": "another boot"}
CONTAINER = {"pid_namespace": "pid:[1]", "pid": 1, "started": 0.0}
"""Two containers may have one host name and one boot: the pid of the one means nothing in the other."""

SKEWS = pytest.mark.parametrize("skew", [-1e6, -GRACE_S - 1, 0.0, GRACE_S + 1, 1e6])
"""Seconds that the clock of an owner is ahead of ours."""
ELSEWHERE = pytest.mark.parametrize("where", [MACHINE, CONTAINER], ids=["machine", "container"])


def claimed(store: Store, where: dict[str, Any], skew: float = 0.0) -> dict[str, Any]:
    """The owner of a trial that was claimed somewhere else."""
    store.book().claim(9)
    owner = {**store.trial().user_attrs[attributes.OWNER], **where}
    beat(store, owner, skew)
    return owner


def beat(store: Store, owner: dict[str, Any], skew: float) -> None:
    now = {**owner, "seen": store.now + skew}
    store.storage.set_trial_user_attr(store.trial()._trial_id, attributes.OWNER, now)


def until(begun: float) -> str:
    return f"{datetime.fromtimestamp(begun + GRACE_S):%H:%M:%S}"


def watch(store: Store, book: Book[int], seconds: float) -> list[int]:
    """Recover once a minute, as a search does; what was recovered until the end of `seconds`."""
    for _ in range(int(seconds // HEARTBEAT_S)):
        if recovered := book.recover():
            return recovered
        store.now += HEARTBEAT_S
    store.now += seconds % HEARTBEAT_S
    return book.recover()


@SKEWS
def test_a_container_that_lives_keeps_its_trial(store: Store, skew: float) -> None:
    owner, book = claimed(store, CONTAINER, skew), store.book()
    for _ in range(10):
        assert book.recover() == []
        store.now += HEARTBEAT_S
        beat(store, owner, skew)
    assert book.claim(9) == 1
    assert store.notes == [
        "trial 0 is run in another container, whose processes cannot be looked up here: "
        "it is continued here if that gives no sign of life until " + until(1000.0)
    ]


@SKEWS
def test_a_second_machine_on_one_file_is_refused_as_soon_as_the_first_is_seen_to_live(
    store: Store, skew: float
) -> None:
    owner, book = claimed(store, MACHINE, skew), store.book()
    assert book.recover() == []
    assert book.claim(9) is None  # it may live
    beat(store, owner, skew + 1)
    with pytest.raises(StudyError, match=r"^another-host is searching the same study") as error:
        book.recover()
    assert len(str(error.value).splitlines()) == 3
    assert store.trial().state is TrialState.RUNNING
    assert store.notes == [
        "trial 0 is run on another-host, which may be searching this study still: as an SQLite file is for one "
        f"machine, nothing begins here before {until(1000.0)}, or at all where another-host gives a sign of life"
    ]


@SKEWS
@ELSEWHERE
def test_whoever_gives_no_sign_of_life_while_we_watch_is_dead(store: Store, where: dict[str, Any], skew: float) -> None:
    claimed(store, where, skew)
    book = store.book()
    assert watch(store, book, GRACE_S) == []
    assert watch(store, store.book(), 0) == []  # who has just come has not watched yet
    store.now += 1
    assert book.recover() == [0]
    assert (book.claim(9), len(store.notes)) == (0, 2)


def test_a_file_that_outlived_its_machines_reboot_is_taken_over_at_once(store: Store) -> None:
    claimed(store, {"boot": "an earlier one"})
    assert store.book().recover() == [0]


def test_after_a_store_was_away_the_others_are_given_the_time_to_come_back(store: Store) -> None:
    """What kept our heartbeat from being written kept theirs."""
    book = store.book()
    store.now += HEARTBEAT_S
    assert book.heartbeat()
    store.now += GRACE_S
    assert not book.heartbeat()
    store.now += HEARTBEAT_S
    assert book.heartbeat()
