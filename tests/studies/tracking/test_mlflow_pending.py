"""The MLflow tracker where events wait: for a server, in a moved home, since an earlier version."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from hpo.studies.home import Home
from hpo.studies.tracking.mlflow.shipper import count_unsent
from hpo.studies.tracking.mlflow.stores import Stores, choose_stores, keep_stores
from hpo.studies.tracking.mlflow_tracker import MlflowTracker, ship_pending

from ..conftest import MlflowFile
from .tracked_study import INFO, expected, note_trial, pending, tracking, wait_for

pytestmark = pytest.mark.usefixtures("quick")

# written by the version before events had types
_OLD_SPOOLS = {
    "digits/spool.jsonl": """
{"kind":"study","t":1000,"uid":"u1","tags":{"space":"5ace","metric":"val_accuracy"},"artifacts":[],"state":"RUNNING"}
{"kind":"finish","t":9000,"state":"INTERRUPTED","metrics":{"best_value":0.5},"tags":{},"artifacts":[]}
""",
    "digits/trials/0/spool.jsonl": """
{"kind":"start","t":2000,"state":"RUNNING","params":{"lr":0.1},"tags":{"trial":0,"state":"RUNNING"},"artifacts":[]}
{"kind":"epoch","t":3000,"epoch":1,"metrics":{"val_accuracy":0.5}}
{"kind":"end","t":4000,"state":"PRUNED","metrics":{},"tags":{"state":"PRUNED"},"artifacts":["digits/trials/0/config.json"]}
""",
}


def test_a_home_of_an_earlier_version_with_unsent_events_is_sent_whole(tracked: Home, in_mlflow: Any) -> None:
    for name, lines in _OLD_SPOOLS.items():
        (tracked.root / name).parent.mkdir(parents=True, exist_ok=True)
        (tracked.root / name).write_text(lines.lstrip())
    (tracked.trial("digits", 0) / "config.json").write_text("{}")
    assert pending(tracked) == 0
    assert in_mlflow.run_states() == {"digits": "KILLED", "trial-0000": "KILLED"}
    assert in_mlflow.epoch_rows() == {(0, "val_accuracy", 1, 0.5): 1}
    assert in_mlflow.params("trial-0000") == {"lr": "0.1"}
    assert len(list(tracked.artifacts.glob("digits/*/artifacts/config.json"))) == 1
    with tracking(tracked) as (tracker, _):  # the study goes on under its name
        note_trial(tracker, 1)
    assert len(in_mlflow.run_states()) == 3


def test_what_waits_is_sent_where_the_study_is_kept_and_nowhere_else(tracked: Home, in_mlflow: Any) -> None:
    note_trial(MlflowTracker(tracked, "digits", "none", print), 0)
    MlflowTracker(tracked, "digits", "none", print)._append(None, "study", uid="u1", state="RUNNING")
    assert ship_pending(tracked, "digits", tracked.tracking_uri, pytest.fail) == 0  # kept nowhere
    keep_stores(tracked, "digits", Stores.at("http://team:5000"))
    assert ship_pending(tracked, "digits", tracked.tracking_uri, pytest.fail) == 0
    assert in_mlflow.run_states() == {}
    assert pending(tracked) == 0
    assert in_mlflow.epoch_rows() == expected(0)


def test_what_waits_in_a_home_that_was_moved_is_sent_and_nothing_twice(tracked: Home, tmp_path: Path) -> None:
    first, second = tracked.trial("digits", 0) / "config.json", tracked.trial("digits", 1) / "config.json"
    for config in (first, second):
        config.parent.mkdir(parents=True)
        config.write_text("{}")
    with tracking(tracked) as (tracker, _):
        note_trial(tracker, 0, artifacts=[first])
    note_trial(MlflowTracker(tracked, "digits", "none", print), 1, artifacts=[second])
    moved = Home(tracked.root.rename(tmp_path / "moved"))
    choose_stores(None, moved, None, pytest.fail)
    assert count_unsent(moved, "digits", moved.tracking_uri) == 5
    assert pending(moved) == 0
    assert len(list(moved.artifacts.glob("digits/*/artifacts/config.json"))) == 2
    assert MlflowFile(moved).epoch_rows() == expected(0, 1)
    assert not tracked.root.exists()


def test_a_dead_store_warns_once_costs_nothing_and_gets_everything_later(
    tracked: Home, in_mlflow: Any, free_port: int
) -> None:
    uri = f"http://user:s3cret@127.0.0.1:{free_port}"
    warnings: list[str] = []
    tracker = MlflowTracker(tracked, "digits", uri, warnings.append)
    tracker.tell(INFO)
    wait_for(lambda: bool(warnings))
    note_trial(tracker, 0)
    began = time.monotonic()
    left = tracker.close(1.5)
    assert time.monotonic() - began < 4
    assert left == 1 + 5
    assert len(warnings) == 1
    assert "does not answer" in warnings[0]
    assert "s3cret" not in warnings[0]
    tracker._thread.join(20)  # until then it holds the lock of the study
    assert pending(tracked) == 0
    assert in_mlflow.epoch_rows() == expected(0)


def test_a_hanging_server_holds_nobody_up(tracked: Home, hanging_port: int) -> None:
    tracker = MlflowTracker(tracked, "digits", f"http://127.0.0.1:{hanging_port}", print)
    tracker.tell(INFO)
    slowest = 0.0
    for number in range(30):
        began = time.perf_counter()
        note_trial(tracker, number)
        slowest = max(slowest, time.perf_counter() - began)
    began = time.monotonic()
    assert tracker.close(0.5) == 1 + 30 * 5
    assert time.monotonic() - began < 2
    assert slowest < 0.5  # thirty trials of five events, with another thread importing MLflow meanwhile


def test_a_store_that_lost_everything_gets_everything_again(tracked: Home, in_mlflow: Any) -> None:
    with tracking(tracked) as (tracker, _):
        note_trial(tracker, 0)
    with sqlite3.connect(tracked.root / "mlflow.db") as connection:
        for table in ("metrics", "latest_metrics", "params", "tags", "runs", "experiments"):
            connection.execute(f"DELETE FROM {table}")
    connection.close()
    with tracking(tracked) as (tracker, _):
        note_trial(tracker, 1)
    pending(tracked)
    assert in_mlflow.epoch_rows() == expected(0, 1)
