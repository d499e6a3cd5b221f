"""How many trials ended how, in words."""

import optuna
from hpo.search.progress.counted import counted
from hpo.studies import attributes
from hpo.studies.records.summarise import summarise
from optuna.trial import TrialState, create_trial


def test_what_was_cut_short_is_counted_by_its_cause() -> None:
    study = optuna.create_study(study_name="s")
    assert counted(summarise(study._storage, "s")) == "no trials yet"
    statuses = ["stopped", "diverged", "violated", "stopped", "out_of_memory", "diverged", ""]
    for status in statuses:
        notes = {attributes.STATUS: status} if status else {}
        study.add_trial(create_trial(state=TrialState.PRUNED, user_attrs=notes))
    for status in ("finished", "finished", "violated"):  # the last has come to its end, whatever it broke
        study.add_trial(create_trial(value=0.5, user_attrs={attributes.STATUS: status}))
    study.add_trial(create_trial(state=TrialState.FAIL))
    study.add_trial(create_trial(state=TrialState.RUNNING, user_attrs={attributes.PAUSED: {"rung": 0}}))
    assert counted(summarise(study._storage, "s")) == (
        "3 complete, 3 pruned, 2 diverged, 1 violated, 1 out of memory, 1 failed, 1 paused"
    )
