"""Recovery of the trials that dead coordinators have left."""

from optuna.trial import FrozenTrial, TrialState

from .. import attributes
from ..store.heartbeats import silences
from ..store.rows import Transaction
from .holdings import Holdings
from .owner import is_orphan, refuse_elsewhere


def recover(holdings: Holdings) -> list[int]:
    """Put the trials of dead coordinators back to waiting; return their numbers.

    It may be repeated, and killed in the middle.

    Raises:
        StudyError: the study is in an SQLite file, and another machine is searching it.
    """
    with holdings.transaction() as rows:
        holdings.census.read(rows)
        others, now = holdings.others(TrialState.RUNNING), holdings.time(rows)
    running = [trial for trial in holdings.read(others) if trial.state is TrialState.RUNNING]
    silent = silences(holdings.storage, holdings.study._study_id) if running else {}
    for trial in running if holdings.on_one_machine else ():
        refuse_elsewhere(trial.user_attrs.get(attributes.OWNER), now)
    # a claim of ours of which nobody knows is one whose answer was lost: the server was gone as it had written it
    lost = {trial._trial_id for trial in running if holdings.is_ours(trial.user_attrs.get(attributes.OWNER))}
    one_machine = holdings.on_one_machine
    orphans = [
        trial
        for trial in running
        if trial._trial_id in lost or is_orphan(trial, silent.get(trial._trial_id), now, one_machine=one_machine)
    ]
    with holdings.transaction() as rows:
        return [trial.number for trial in orphans if _orphaned(rows, trial)]


def _orphaned(rows: Transaction, trial: FrozenTrial) -> bool:
    """Put an orphan back to waiting; False where somebody has claimed or told it since it was read."""
    trial_id, generation = trial._trial_id, trial.user_attrs.get(attributes.GENERATION)
    same = rows.attribute(attributes.GENERATION, [trial_id]).get(trial_id) == generation
    if not same or rows.states([trial_id])[trial_id] is not TrialState.RUNNING:
        return False
    before = trial.user_attrs.get(attributes.ORPHANED) or {}
    epochs = len(trial.intermediate_values)
    times = before["times"] + 1 if before.get("epochs") == epochs else 1
    orphaned = {"times": times, "epochs": epochs}
    rows.set_attributes(trial_id, {attributes.OWNER: None, attributes.ORPHANED: orphaned})
    rows.set_state(trial_id, TrialState.WAITING)
    return True
