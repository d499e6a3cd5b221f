"""The MLflow tracker on a real SQLite store: what arrives."""

import json
import math
import time
from collections import Counter
from typing import Any

import pytest
from hpo.errors import StudyError
from hpo.studies.home import Home
from hpo.studies.tracking.events import Epoch, StudyEnded, TrialEnded, TrialNoted, TrialPaused, TrialStarted
from hpo.studies.tracking.mlflow.rehearsal import Rehearsal
from hpo.studies.tracking.mlflow.spool import spool_path
from hpo.studies.tracking.mlflow.stores import Stores
from hpo.studies.tracking.mlflow_tracker import MlflowTracker
from hpo.studies.tracking.tracker import NullTracker

from .tracked_study import INFO, expected, note_trial, tracking, wait_for

pytestmark = pytest.mark.usefixtures("quick")


def test_a_study_arrives_whole(tracked: Home, in_mlflow: Any) -> None:
    config = tracked.trial("digits", 0) / "config.json"
    config.parent.mkdir(parents=True)
    config.write_text("{}")
    with tracking(tracked) as (tracker, warnings):
        tracker.tell(TrialStarted(0, {"optimizer.sgd.lr": 0.1, "schedule.name": None}, {"owner": "me"}, [config]))
        tracker.tell(Epoch(0, 1, {"val_accuracy": 0.5, "grad_norm": math.inf, "train_loss": math.nan}))
        tracker.tell(TrialEnded(0, "COMPLETE", {"value": 0.5}, {"verdict": "healthy"}))
        tracker.tell(TrialStarted(1, {"optimizer.sgd.lr": 0.2}))
        tracker.tell(TrialEnded(1, "PRUNED"))
        tracker.tell(TrialStarted(2, {}))
        tracker.tell(TrialEnded(2, "FAIL", {}, {"error": "KeyError: 'x'" + "x" * 10_000}))
        tracker.tell(StudyEnded("FINISHED", {"best_value": 0.5}, {"best_trial": 0}))
    assert warnings == []
    assert in_mlflow.run_states() == {
        "digits": "FINISHED",
        "trial-0000": "FINISHED",
        "trial-0001": "KILLED",
        "trial-0002": "FAILED",
    }
    assert in_mlflow.params("trial-0000") == {"optimizer.sgd.lr": "0.1", "schedule.name": "None"}
    tags = in_mlflow.tags("trial-0000")
    parent = in_mlflow.rows("SELECT run_uuid, artifact_uri FROM runs WHERE name = 'digits'")[0]
    wanted = {"trial": "0", "state": "COMPLETE", "study": "digits", "space": "5ace", "data_fingerprint": "f1"}
    assert wanted.items() <= tags.items()
    assert tags["mlflow.parentRunId"] == parent[0]
    assert len(in_mlflow.tags("trial-0002")["error"]) == 8000
    kept = in_mlflow.rows("SELECT key, step, is_nan FROM metrics JOIN runs USING (run_uuid) WHERE name = 'trial-0000'")
    assert sorted(kept) == [("grad_norm", 1, 0), ("train_loss", 1, 1), ("val_accuracy", 1, 0), ("value", 0, 0)]
    assert len(list(tracked.artifacts.glob("digits/*/artifacts/config.json"))) == 1


def test_what_a_user_has_set_for_their_own_runs_does_not_reach_a_study(
    tracked: Home, in_mlflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"ENABLE_ASYNC_LOGGING": "true", "ACTIVE_MODEL_ID": "m-mine", "RUN_ID": "0" * 32, "EXPERIMENT_ID": "7"}
    elsewhere |= {"TRACKING_URI": "http://127.0.0.1:9", "REGISTRY_URI": "http://127.0.0.1:9"}
    for name, value in elsewhere.items():
        monkeypatch.setenv(f"MLFLOW_{name}", value)
    with tracking(tracked) as (tracker, warnings):
        note_trial(tracker, 0)
    assert warnings == []
    assert in_mlflow.epoch_rows() == expected(0)


def test_times_are_those_of_the_events_not_of_the_shipment(tracked: Home, in_mlflow: Any) -> None:
    before = time.time() * 1000
    tracker = MlflowTracker(tracked, "digits", tracked.tracking_uri, print)
    note_trial(tracker, 0)
    after = time.time() * 1000
    time.sleep(0.2)
    tracker.tell(INFO)
    tracker.close(20)
    start, end = in_mlflow.rows("SELECT start_time, end_time FROM runs WHERE name = 'trial-0000'")[0]
    stamps = [t for (t,) in in_mlflow.rows("SELECT timestamp FROM metrics")]
    assert math.floor(before) <= start <= min(stamps) <= max(stamps) <= end <= math.ceil(after)


def test_a_trial_at_a_rung_is_running_with_a_tag_until_it_is_promoted_or_ends(tracked: Home, in_mlflow: Any) -> None:
    def told(number: int) -> tuple[str, str]:
        name = f"trial-{number:04d}"
        return in_mlflow.run_states().get(name, ""), in_mlflow.tags(name).get("state", "")

    with tracking(tracked) as (tracker, warnings):
        for number in (0, 1):
            tracker.tell(TrialStarted(number, {"optimizer.lr": 0.1}))
            tracker.tell(Epoch(number, 1, {"val_accuracy": 0.5}))
            tracker.tell(TrialPaused(number, 1, {"last_val_accuracy": 0.5}))
        wait_for(lambda: told(0) == told(1) == ("RUNNING", "paused at rung 1"))
        assert in_mlflow.rows("SELECT DISTINCT end_time FROM runs") == [(None,)]
        tracker.tell(TrialStarted(0, {"optimizer.lr": 0.1}))
        wait_for(lambda: told(0) == ("RUNNING", "RUNNING"))
        tracker.tell(TrialEnded(0, "COMPLETE", {"last_val_accuracy": 0.75}))
        tracker.tell(TrialEnded(1, "PRUNED", {}, {"status": "stopped"}))
    assert (warnings, told(0), told(1)) == ([], ("FINISHED", "COMPLETE"), ("KILLED", "PRUNED"))
    latest = in_mlflow.rows("SELECT name, value FROM latest_metrics JOIN runs USING (run_uuid) WHERE key LIKE 'last%'")
    assert sorted(latest) == [("trial-0000", 0.75), ("trial-0001", 0.5)]


def test_what_is_noted_of_a_trial_is_a_tag_of_its_run(tracked: Home, in_mlflow: Any) -> None:
    with tracking(tracked) as (tracker, warnings):
        tracker.tell(TrialStarted(0, {}))
        tracker.tell(Epoch(0, 1, {"val_accuracy": 0.5}))
        tracker.tell(TrialNoted(0, {"audit_epoch": 1}))
        tracker.tell(TrialEnded(0, "COMPLETE"))
    assert (warnings, in_mlflow.run_states()["trial-0000"]) == ([], "FINISHED")
    assert in_mlflow.tags("trial-0000")["audit_epoch"] == "1"


def test_a_running_trial_can_be_watched(tracked: Home, in_mlflow: Any) -> None:
    with tracking(tracked) as (tracker, _):
        tracker.tell(TrialStarted(0, {}))
        tracker.tell(Epoch(0, 1, {"val_accuracy": 0.5}))
        wait_for(lambda: in_mlflow.epoch_rows() == {(0, "val_accuracy", 1, 0.5): 1})
        assert in_mlflow.run_states()["trial-0000"] == "RUNNING"


def test_a_paused_trial_goes_on_in_the_same_run_and_told_epochs_are_dropped(tracked: Home, in_mlflow: Any) -> None:
    with tracking(tracked) as (tracker, _):
        tracker.tell(TrialStarted(0, {"lr": 0.1}))
        tracker.tell(Epoch(0, 1, {"val_accuracy": 0.5}))
        tracker.tell(Epoch(0, 2, {"val_accuracy": 0.6}))
    with tracking(tracked) as (tracker, warnings):
        tracker.tell(TrialStarted(0, {"lr": 0.1}))
        tracker.tell(Epoch(0, 2, {"val_accuracy": 0.61}))  # again, from the checkpoint of epoch 1
        tracker.tell(Epoch(0, 3, {"val_accuracy": 0.7}))
        tracker.tell(TrialEnded(0, "COMPLETE"))
    assert warnings == []
    assert in_mlflow.run_states() == {"digits": "RUNNING", "trial-0000": "FINISHED"}
    assert in_mlflow.epoch_rows() == Counter([(0, "val_accuracy", e, v) for e, v in ((1, 0.5), (2, 0.6), (3, 0.7))])


def test_a_refused_trial_does_not_hold_up_the_others(tracked: Home, in_mlflow: Any) -> None:
    with tracking(tracked) as (tracker, _):
        note_trial(tracker, 0)
    with tracking(tracked) as (tracker, warnings):
        tracker.tell(TrialStarted(0, {"optimizer.sgd.lr": 0.3}))  # MLflow allows no change of a param
        note_trial(tracker, 1)
    assert len(warnings) == 1
    assert "refuses trial 0" in warnings[0]
    assert in_mlflow.epoch_rows() == expected(0, 1)


@pytest.mark.slow
def test_a_real_server_gets_everything_and_nothing_is_printed(
    tracked: Home,
    in_mlflow: Any,
    mlflow_server: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    artifact = tracked.root / "config.json"
    artifact.write_text("{}")
    with tracking(tracked, mlflow_server) as (tracker, warnings):
        note_trial(tracker, 0, artifacts=[artifact])
        tracker.tell(StudyEnded("FINISHED"))
    assert warnings == []
    assert capfd.readouterr() == ("", "")
    assert in_mlflow.epoch_rows() == expected(0)
    assert in_mlflow.run_states() == {"digits": "FINISHED", "trial-0000": "FINISHED"}
    Rehearsal(Stores.at(mlflow_server), "digits").check()
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "an0ther")
    with pytest.raises(StudyError, match="does not let you in") as refused:
        Rehearsal(Stores.at(mlflow_server), "digits").check()
    assert "an0ther" not in str(refused.value)


def test_a_store_that_was_never_used_is_made_in_the_background(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    tracker = MlflowTracker(home, "digits", home.tracking_uri, print)
    began = time.perf_counter()
    tracker.tell(INFO)
    assert time.perf_counter() - began < 0.2
    assert tracker.close(120) == 0
    assert capfd.readouterr() == ("", "")


def test_the_null_tracker_keeps_nothing() -> None:
    tracker = NullTracker()
    tracker.tell(INFO)
    note_trial(tracker, 0)
    tracker.tell(StudyEnded("FINISHED"))
    assert tracker.close(1) == 0


def test_events_hold_no_more_than_json(tracked: Home) -> None:
    tracker = MlflowTracker(tracked, "digits", "none", print)
    note_trial(tracker, 0)
    lines = spool_path(tracked, "digits", 0).read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["start", "epoch", "epoch", "epoch", "end"]
