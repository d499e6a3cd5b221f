"""No write passes the fence of a trial that is somebody else's."""

import pytest
from hpo.studies import attributes
from hpo.studies.book.book import HEARTBEAT_S
from hpo.studies.book.terms import Fence, Row
from optuna.trial import TrialState

from .store import ENDED, Store, never

LOST = Fence(held=False, state=TrialState.RUNNING)

WRITES = {
    "report": lambda book: book.report([Row(0, 1, 0.5)], never).lost[0],
    "finish": lambda book: book.finish(0, ENDED),
    "fail": lambda book: book.fail(0, "an error"),
    "release": lambda book: book.release(0),
    "excuse": lambda book: book.excuse(0, "an error"),
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


def test_a_heartbeat_and_epochs_told_at_the_end_do_not_pass_either(store: Store) -> None:
    book = store.book()
    book.claim(9)
    store.study.tell(0, 0.25)
    before = store.trial()
    store.now += HEARTBEAT_S
    assert book.heartbeat()
    assert book.finish(0, ENDED, [Row(0, 1, 0.5)]).recorded == ()
    assert store.trial() == before


def test_a_trial_that_somebody_put_back_is_not_begun_twice_here(store: Store) -> None:
    book = store.book()
    book.claim(9)
    store.storage.set_trial_state_values(store.trial()._trial_id, TrialState.WAITING)
    assert book.claim(9) == 1
    assert book.report([Row(0, 1, 0.5)], never).lost == {}
    assert store.trial().state is TrialState.RUNNING
    assert store.trial().user_attrs[attributes.GENERATION] == 1
