"""The book without a search: claims, fences, decisions, paused trials, and studies of older versions."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.errors import StudyError
from hpo.studies import attributes
from hpo.studies.book.book import HEARTBEAT_S, Book
from hpo.studies.book.claims import Counts
from hpo.studies.book.owner import GRACE_S, Owner
from hpo.studies.book.terms import Beginning, Fence, Opening, Row, Stop, Stopped, TrialOutcome
from hpo.studies.records.summarise import summarise
from hpo.studies.store import storage as storage_module
from hpo.studies.store.patience import GIVE_UP_S, RETRY_S, Patience
from hpo.studies.store.rows import Transaction
from hpo.studies.store.storage import open_storage
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import OperationalError

ENDED = TrialOutcome(value=0.5, complete=True, usable=True, notes={attributes.STATUS: "finished"})
X = {"x": FloatDistribution(0, 1)}
LOST = Fence(held=False, state=TrialState.RUNNING)


def begin(opening: Opening) -> Beginning[int]:
    """A claim is the trial's number; its x is drawn once."""
    drawn = {} if opening.params else {"x": opening.fixed.get("x", 1 / (opening.number + 2))}
    return Beginning(opening.number, drawn, X, {attributes.CONFIG: "{}"})


def never(rows: Sequence[Row]) -> Mapping[int, Stop]:
    return {}


class Store:
    """A file, a clock, and the coordinators that share them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._url = f"sqlite:///{directory}/studies.db"
        self.storage = open_storage(self._url)
        self.study = optuna.create_study(storage=self.storage, study_name="s", direction="maximize")
        self.now = 1000.0
        self.notes: list[str] = []
        self.while_away: Callable[[], None] = lambda: None

    @contextmanager
    def away(self) -> Iterator[sqlite3.Connection]:
        """Another program holds the file."""
        with closing(sqlite3.connect(self.directory / "studies.db")) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield connection

    def book(self) -> Book[int]:
        study = optuna.load_study(study_name="s", storage=open_storage(self._url))
        return Book(study, begin, lambda: self.now, Patience(self.notes.append, self.sleep, lambda: self.now))

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.while_away()

    def trial(self, number: int = 0) -> FrozenTrial:
        return self.study.get_trials()[number]

    def kill(self) -> None:
        """Make every owner so far a dead process."""
        for trial in self.study.get_trials():
            if owner := trial.user_attrs.get(attributes.OWNER):
                dead = {**owner, "started": owner["started"] - 3600}
                self.storage.set_trial_user_attr(trial._trial_id, attributes.OWNER, dead)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_claim_is_whole_from_the_first(store: Store) -> None:
    assert store.book().claim(1) == 0
    trial = store.trial()
    assert (trial.state, trial.params, trial.distributions) == (TrialState.RUNNING, {"x": 0.5}, X)
    assert trial.user_attrs[attributes.OWNER] == Owner.me().as_attribute(1000.0)
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
    assert answer.stops == {0: Stop(1)}
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


WRITES = {
    "report": lambda book: book.report([Row(0, 1, 0.5)], never).lost[0],
    "finish": lambda book: book.finish(0, ENDED),
    "fail": lambda book: book.fail(0, "an error"),
    "release": lambda book: book.release(0),
    "excuse": lambda book: book.excuse(0, "an error"),
    "pause": lambda book: book.pause(0, 1),
    "count": lambda book: book.count(0, attributes.ATTEMPTS),
}


@pytest.mark.parametrize("write", WRITES)
def test_no_write_passes_the_fence_of_a_trial_that_was_taken_over(store: Store, write: str) -> None:
    first, second = store.book(), store.book()
    first.claim(9)
    store.kill()
    second.recover()
    second.claim(9)
    before = store.trial()
    assert WRITES[write](first) == LOST
    assert first.mine == ()
    assert store.trial() == before
    assert first.mine == ()


@pytest.mark.parametrize("write", WRITES)
def test_no_write_passes_the_fence_of_a_trial_that_somebody_told(store: Store, write: str) -> None:
    book = store.book()
    book.claim(9)
    store.study.tell(0, 0.25)
    before = store.trial()
    assert WRITES[write](book) == Fence(held=False, state=TrialState.COMPLETE)
    assert store.trial() == before


def test_a_heartbeat_and_a_reconciliation_do_not_pass_either(store: Store) -> None:
    book = store.book()
    book.claim(9)
    store.study.tell(0, 0.25)
    before = store.trial()
    store.now += HEARTBEAT_S
    assert book.heartbeat()
    assert book.reconcile(0, [Row(0, 1, 0.5)]) == []
    assert store.trial() == before


def test_a_trial_that_somebody_put_back_is_not_begun_twice_here(store: Store) -> None:
    book = store.book()
    book.claim(9)
    store.storage.set_trial_state_values(store.trial()._trial_id, TrialState.WAITING)
    assert book.claim(9) == 1
    assert book.report([Row(0, 1, 0.5)], never).lost == {}
    assert store.trial().state is TrialState.RUNNING
    assert store.trial().user_attrs[attributes.GENERATION] == 1


def test_epochs_whose_reports_did_not_arrive_are_recorded_at_the_end(store: Store) -> None:
    book = store.book()
    book.claim(9)
    book.report([Row(0, 1, 0.1)], never)
    assert book.reconcile(0, [Row(0, epoch, epoch / 10) for epoch in (1, 2, 3)]) == [2, 3]
    assert store.trial().intermediate_values == {1: 0.1, 2: 0.2, 3: 0.3}
    assert book.reconcile(0, [Row(0, 1, 0.1)]) == []


def test_a_trial_at_a_rung_is_running_and_nobodys_and_counts(store: Store) -> None:
    book, other = store.book(), store.book()
    book.claim(9)
    assert book.pause(0, 1) == Fence(held=True, state=TrialState.RUNNING)
    assert book.mine == ()
    assert other.counts() == Counts(finished=0, running=0, paused=1, waiting=0)
    store.now += 10 * GRACE_S
    assert other.recover() == []
    assert other.claim(1) is None  # it is one of the total
    record = summarise(store.storage, "s")
    assert (record.trial(0).state, record.trial(0).rung) == ("paused", 1)
    assert record.counts == {"complete": 0, "pruned": 0, "failed": 0, "running": 0, "waiting": 0, "paused": 1}


def test_a_trial_at_a_rung_is_resumed_by_one(store: Store) -> None:
    book, other = store.book(), store.book()
    book.claim(9)
    book.pause(0, 1)
    assert other.resume(0) == 0
    assert book.resume(0) is None
    assert book.resume(7) is None
    assert store.trial().user_attrs[attributes.GENERATION] == 2
    assert other.counts() == Counts(finished=0, running=1, paused=0, waiting=0)
    assert summarise(store.storage, "s").trial(0).rung is None
    other.finish(0, ENDED)
    assert store.trial().state is TrialState.COMPLETE


def test_a_study_of_an_older_version_goes_on(store: Store) -> None:
    """Its owners have neither a namespace nor a generation."""
    owner = Owner.me().as_attribute(1000.0)
    del owner["pid_namespace"]
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


OTHER = {"host": "another-host", "boot": "another boot"}


@pytest.mark.parametrize(("age", "recovered"), [(GRACE_S + 1, [0]), (GRACE_S - 1, None)])
def test_two_machines_on_one_file_are_refused(store: Store, age: float, recovered: list[int] | None) -> None:
    store.book().claim(9)
    owner = {**store.trial().user_attrs[attributes.OWNER], **OTHER}
    store.storage.set_trial_user_attr(store.trial()._trial_id, attributes.OWNER, owner)
    store.now += age
    if recovered:
        assert store.book().recover() == recovered
        return
    with pytest.raises(StudyError, match=r"^another-host is searching the same study") as error:
        store.book().recover()
    assert len(str(error.value).splitlines()) == 3
    assert store.trial().state is TrialState.RUNNING


def test_a_file_that_outlived_its_machines_reboot_is_taken_over_at_once(store: Store) -> None:
    store.book().claim(9)
    owner = {**store.trial().user_attrs[attributes.OWNER], "boot": "an earlier one"}
    store.storage.set_trial_user_attr(store.trial()._trial_id, attributes.OWNER, owner)
    assert store.book().recover() == [0]


@pytest.mark.parametrize(("age", "recovered"), [(GRACE_S - 1, []), (GRACE_S + 1, [0])])
def test_a_process_of_another_container_is_not_looked_up_here(store: Store, age: float, recovered: list[int]) -> None:
    """Two containers may have one host name and one boot: the pid of the one means nothing in the other."""
    store.book().claim(9)
    owner = {**store.trial().user_attrs[attributes.OWNER], "pid_namespace": "pid:[1]", "pid": 1, "started": 0.0}
    store.storage.set_trial_user_attr(store.trial()._trial_id, attributes.OWNER, owner)
    store.now += age
    assert store.book().recover() == recovered


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
