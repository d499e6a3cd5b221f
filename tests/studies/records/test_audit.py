"""What the audited trials of a study say of stopping."""

import json
from typing import Any

import pytest
from hpo.search.progress.audit import audit_line
from hpo.studies import attributes
from hpo.studies.records.audit import AuditReport
from hpo.studies.records.strategy import StrategyRecord
from hpo.studies.records.summarise import summarise
from optuna.trial import FrozenTrial

from .rung_study import climbed, rung_study

PRUNING = StrategyRecord("pruning", "tpe", "median", audit=0.25)
RUNGS = StrategyRecord("rungs", "forest", one_in=(4,), rungs=(1,), audit=0.25)
EPOCHS = 16  # of the budget in the configurations of the trials


def run_to(value: float, **notes: Any) -> FrozenTrial:
    return climbed("COMPLETE", *[0.1] * (EPOCHS - 1), value, **notes)


def spared(value: float, epoch: int = 4) -> FrozenTrial:
    return run_to(value, **{attributes.AUDIT: {"epoch": epoch}})


def report(*trials: FrozenTrial, strategy: StrategyRecord = PRUNING, direction: str = "maximize") -> AuditReport:
    audit = summarise(rung_study(*trials, strategy=strategy, direction=direction)._storage, "s").audit
    assert audit is not None
    return audit


def test_stopping_was_wrong_where_an_audited_trial_ended_better_than_what_nothing_stopped() -> None:
    let_through = [run_to(value) for value in (0.3, 0.5, 0.7)]
    audit = report(*let_through, spared(0.2), spared(0.5), spared(0.6), spared(0.8), climbed("PRUNED", 0.1, 0.1))
    assert (audit.audited, audit.ended, audit.let_through) == ((3, 4, 5, 6), (3, 4, 5, 6), 3)
    assert (audit.above_median, audit.above_best) == ((5, 6), (6,))
    assert audit.interval(audit.above_best) == pytest.approx((0.0456, 0.6994), abs=1e-4)
    assert (audit.saved_epochs, audit.cost_epochs) == (EPOCHS - 2, 4 * (EPOCHS - 4))
    worse = report(*let_through, spared(0.2), spared(0.6), direction="minimize")
    assert (worse.above_median, worse.above_best) == ((3,), (3,))


def test_one_that_diverges_on_its_way_was_rightly_stopped_and_one_that_runs_says_nothing_yet() -> None:
    where = {attributes.AUDIT: {"epoch": 4}}
    diverged = climbed("PRUNED", *[0.1] * 10, **where, **{attributes.STATUS: "diverged"})
    running, failed = climbed("RUNNING", *[0.1] * 6, **where), climbed("FAIL", *[0.1] * 5, **where)
    audit = report(run_to(0.5), diverged, running, failed, climbed("PRUNED", *[0.1] * 4))
    assert (audit.audited, audit.ended, audit.above_median) == ((1, 2, 3), (1,), ())
    assert audit.cost_epochs == 6 + 2 + 1
    assert audit.saved_epochs == 12 * 6 / 12, "by the part of its rest that the audited one trained"


def test_at_a_rung_one_that_would_have_been_resumed_was_not_stopped() -> None:
    def ran_on(first: float, last: float) -> FrozenTrial:
        where = {attributes.AUDIT: {"epoch": 1, "rung": 0}}
        return climbed("COMPLETE", first, *[0.1] * (EPOCHS - 2), last, **where)

    promoted = climbed("COMPLETE", 0.6, *[0.1] * (EPOCHS - 2), 0.7)
    paused = [climbed("PRUNED", value, **{attributes.PAUSED: None}) for value in (0.3, 0.2)]
    summary = summarise(
        rung_study(promoted, *paused, ran_on(0.8, 0.9), ran_on(0.25, 0.8), strategy=RUNGS)._storage, "s"
    )
    audit = summary.audit
    assert audit is not None
    assert (audit.resumed, audit.ended, audit.above_best) == ((3,), (4,), (4,))
    assert summary.to_json()["rungs"] == [{"epoch": 1, "reached": 5, "promoted": 1}]


def test_an_audit_in_a_line_and_as_json() -> None:
    audit = report(*(run_to(value) for value in (0.3, 0.5, 0.7)), spared(0.2), spared(0.6), climbed("PRUNED", 0.1))
    assert audit_line(audit) == (
        "audit: of 2 trials to be stopped that ran on, 1 (50 %, 9 to 91 %) ended better than the median of the 3 that "
        "nothing stopped, 0 (0 %, 0 to 66 %) better than the best; stopping saved some 15 epochs, the audit cost 24"
    )
    told = json.loads(json.dumps(audit.to_json(), allow_nan=False))
    assert told["share"] == 0.25
    assert told["above_median"] == {
        "trials": [4],
        "interval": [pytest.approx(0.0945, abs=1e-4), pytest.approx(0.9055, abs=1e-4)],
    }
    nothing = report(run_to(0.5))
    assert audit_line(nothing) == (
        "audit: no trial to be stopped has run on to its end yet; stopping saved some 0 epochs, the audit cost 0"
    )
    assert nothing.interval(()) is None


def test_a_study_without_an_audit_has_none_and_what_others_wrote_is_no_audit() -> None:
    strange = [run_to(0.5, **{attributes.AUDIT: value}) for value in ("yes", {}, {"epoch": "x", "rung": -1})]
    assert summarise(rung_study(run_to(0.5))._storage, "s").audit is None
    audit = report(run_to(0.4), *strange)
    assert audit.cost_epochs == 0
