"""Trials that are paused at a rung, and studies of older versions."""

import optuna
import psutil
from hpo.studies import attributes
from hpo.studies.book.claims import Counts
from hpo.studies.book.owner import GRACE_S, Owner
from hpo.studies.book.terms import Fence
from hpo.studies.records.summarise import summarise
from optuna.trial import TrialState

from .store import ENDED, Store, X


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
