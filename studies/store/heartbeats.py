"""The heartbeats that Optuna's own `study.optimize` leaves in a database, where its user has asked for them."""

from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb.models import TrialHeartbeatModel as Beat
from optuna.storages._rdb.models import TrialModel
from optuna.trial import TrialState
from sqlalchemy import func, select


def silences(storage: BaseStorage, study_id: int) -> dict[int, float]:
    """Seconds since the last heartbeat of each running trial that has one, by trial id.

    The database's clock is asked, which wrote them: those of several machines differ.
    """
    backend = getattr(storage, "_backend", storage)  # a study wraps its store in a cache
    if not isinstance(backend, RDBStorage):
        return {}
    beats = (
        select(Beat.trial_id, Beat.heartbeat, func.current_timestamp())
        .join(TrialModel, TrialModel.trial_id == Beat.trial_id)
        .where(TrialModel.study_id == study_id, TrialModel.state == TrialState.RUNNING)
    )
    with backend.engine.connect() as connection:
        rows = connection.execute(beats).all()
    # note: PostgreSQL adds a time zone to its clock and none to the column
    return {trial_id: (now.replace(tzinfo=None) - beat).total_seconds() for trial_id, beat, now in rows}
