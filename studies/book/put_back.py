"""Trials that leave their worker unfinished: paused at a rung where that is decided, else waiting to be continued."""

from collections.abc import Iterable, Mapping
from typing import Any

from optuna.trial import TrialState

from .. import attributes
from ..store.rows import Transaction


def put_back(rows: Transaction, trial_ids: Iterable[int], notes: Mapping[str, Any] | None = None) -> dict[int, int]:
    """Put trials back, nobody's, with `notes` as further attributes; return the rungs of those that pause, by id.

    A decision to pause is carried out whatever ended the run, so that it is neither lost nor made twice. One to stop is
    carried out as the trial is claimed.
    """
    ids = list(trial_ids)
    decisions = rows.attribute(attributes.DECISION, ids)()
    rungs = {trial_id: decision["rung"] for trial_id, decision in decisions.items() if decision and "rung" in decision}
    for trial_id in ids:
        paused = {attributes.PAUSED: {"rung": rungs[trial_id]}} if trial_id in rungs else {}
        rows.set_attributes(trial_id, {**(notes or {}), attributes.OWNER: None, **paused})
        if not paused:  # what is paused stays running, to Optuna
            rows.set_state(trial_id, TrialState.WAITING)
    return rungs
