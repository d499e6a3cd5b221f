"""Optuna's own heartbeats, read from the table that Optuna writes."""

import optuna
import pytest
from hpo.studies.home import Home
from hpo.studies.store.heartbeats import heartbeats
from hpo.studies.store.storage import open_storage
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState


def test_the_last_of_each_running_trial(home: Home) -> None:
    storage = open_storage(home.storage_url)
    study = optuna.create_study(storage=storage)
    other = optuna.create_study(storage=storage)
    fresh, old, silent, ended, others = (s.ask() for s in (study, study, study, study, other))
    for trial in (fresh, old, ended, others):
        storage.record_heartbeat(trial._trial_id)
    study.tell(ended, state=TrialState.FAIL)
    with storage.engine.begin() as connection:
        statement = "UPDATE trial_heartbeats SET heartbeat = datetime(heartbeat, '-1000 seconds') WHERE trial_id = ?"
        connection.exec_driver_sql(statement, (old._trial_id,))
    found = heartbeats(study._storage, study._study_id)
    assert set(found) == {fresh._trial_id, old._trial_id}
    assert found[fresh._trial_id].at > found[old._trial_id].at
    assert {beat.age_s for beat in found.values()} == {None}  # the time of whichever machine has written it
    assert silent._trial_id not in found


@pytest.mark.parametrize("storage", [InMemoryStorage(), optuna.storages.RDBStorage("sqlite://")])
def test_there_is_none_where_nobody_sends_any(storage: BaseStorage) -> None:
    study = optuna.create_study(storage=storage)
    study.ask()
    assert heartbeats(study._storage, study._study_id) == {}
