"""The heartbeats that Optuna's own `study.optimize` leaves in a database.

It does so where its user has asked for them.
"""

from dataclasses import dataclass
from datetime import datetime

from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb.models import TrialHeartbeatModel as Beat
from optuna.storages._rdb.models import TrialModel
from optuna.trial import TrialState
from sqlalchemy import func, select


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last heartbeat of a trial: the time `at` which it was written, and its age by the same clock.

    `age_s` is None on SQLite, where each machine that writes has its own clock.
    """

    at: datetime
    age_s: float | None


def heartbeats(storage: BaseStorage, study_id: int) -> dict[int, Heartbeat]:
    """The last heartbeat of each running trial that has any, by trial id."""
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
    if backend.engine.dialect.name == "sqlite":
        return {trial_id: Heartbeat(at, None) for trial_id, at, _ in rows}
    # note: PostgreSQL adds a time zone to its clock and none to the column
    return {trial_id: Heartbeat(at, (now.replace(tzinfo=None) - at).total_seconds()) for trial_id, at, now in rows}
