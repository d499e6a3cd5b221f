"""Whose trials are taken over: those of machines, containers and boots."""

import pytest
from hpo.errors import StudyError
from hpo.studies import attributes
from hpo.studies.book.owner import GRACE_S
from optuna.trial import TrialState

from .store import Store

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
