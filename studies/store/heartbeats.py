"""The heartbeats that Optuna's own `study.optimize` leaves in a database.

It does so where its user has asked for them.
"""

from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb.models import TrialHeartbeatModel as Beat
from optuna.storages._rdb.models import TrialModel
from optuna.trial import TrialState
from sqlalchemy import func, select


def silences(storage: BaseStorage, study_id: int) -> dict[int, float]:
    """The seconds since each running trial's last heartbeat, by trial id.

    Trials without a heartbeat are left out.
    """
    backend = getattr(storage, "_backend", storage)  # a study wraps its store in a cache
    if not isinstance(backend, RDBStorage):
        return {}
    beats = (
        # the database's own clock wrote the beats, so it is asked for the time: those of several machines differ
        select(Beat.trial_id, Beat.heartbeat, func.current_timestamp())
        .join(TrialModel, TrialModel.trial_id == Beat.trial_id)
        .where(TrialModel.study_id == study_id, TrialModel.state == TrialState.RUNNING)
    )
    with backend.engine.connect() as connection:
        rows = connection.execute(beats).all()
    # note: PostgreSQL adds a time zone to its clock and none to the column
    return {trial_id: (now.replace(tzinfo=None) - beat).total_seconds() for trial_id, beat, now in rows}
