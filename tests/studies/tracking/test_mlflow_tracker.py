"""The MLflow tracker on a real SQLite store: what arrives, and what happens when things die."""

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hpo.studies.home import Home
from hpo.studies.store.locks import held_if_free
from hpo.studies.tracking import mlflow_tracker
from hpo.studies.tracking.events import Epoch, StudyEnded, StudyStarted, TrialEnded, TrialStarted
from hpo.studies.tracking.mlflow_store import MlflowStore
from hpo.studies.tracking.mlflow_tracker import MlflowTracker, ship_pending
from hpo.studies.tracking.shipper import StudyShipper, count_unsent
from hpo.studies.tracking.spool import read_events, spool_path, spooled_trials
from hpo.studies.tracking.stores import Stores, choose_stores, keep_stores
from hpo.studies.tracking.tracker import NullTracker, Tracker

from ..conftest import MlflowFile

INFO = StudyStarted("val_accuracy", "maximize", tags={"space": "5ace", "data_fingerprint": "f1"})
METRICS = ("train_loss", "val_accuracy", "lr")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_tracker, "PAUSE_S", 0.05)


def note_trial(tracker: Tracker, number: int, epochs: int = 3, **facts: Any) -> None:
    tracker.tell(TrialStarted(number, {"optimizer.sgd.lr": 0.1, "model.depth": 18}, {"owner": "me"}))
    for epoch in range(1, epochs + 1):
        tracker.tell(Epoch(number, epoch, dict.fromkeys(METRICS, number + epoch / 7)))
    tracker.tell(TrialEnded(number, facts.get("state", "COMPLETE"), {}, {}, facts.get("artifacts", ())))


def expected(*trials: int, epochs: int = 3) -> "Counter[tuple[int, str, int, float]]":
    return Counter((n, m, e, n + e / 7) for n in trials for e in range(1, epochs + 1) for m in METRICS)


@contextmanager
def tracking(home: Home, uri: str = "") -> Iterator[tuple[MlflowTracker, list[str]]]:
    """A tracker of a started study, closed at the end; and what it has warned of."""
    warnings: list[str] = []
    tracker = MlflowTracker(home, "digits", uri or home.tracking_uri, warnings.append)
    tracker.tell(INFO)
    yield tracker, warnings
    tracker.close(20)


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


def pending(home: Home) -> int:
    """How many events remain once a study that is kept in its home has sent what waited."""
    keep_stores(home, "digits", Stores.at(home.tracking_uri))
    return ship_pending(home, "digits", home.tracking_uri, pytest.fail)


def test_what_waits_is_sent_where_the_study_is_kept_and_nowhere_else(tracked: Home, in_mlflow: Any) -> None:
    note_trial(MlflowTracker(tracked, "digits", "none", print), 0)
    MlflowTracker(tracked, "digits", "none", print)._note(None, "study", uid="u1", state="RUNNING")
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


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


class DyingStore(MlflowStore):
    """A real store in a process that dies at its n-th call, before or after MLflow has done it."""

    calls = 0
    dies_at = 0
    after = False

    def _die(self, name: str, *arguments: Any) -> Any:
        DyingStore.calls += 1
        dying = DyingStore.calls == DyingStore.dies_at
        if dying and not DyingStore.after:
            raise Killed
        answer = getattr(MlflowStore, name)(self, *arguments)
        if dying:
            raise Killed
        return answer

    def experiment(self, *arguments: Any) -> str:
        return str(self._die("experiment", *arguments))

    def create(self, *arguments: Any) -> Any:
        return self._die("create", *arguments)

    def log(self, *arguments: Any) -> None:
        self._die("log", *arguments)

    def set_status(self, *arguments: Any) -> None:
        self._die("set_status", *arguments)

    def add_file(self, *arguments: Any) -> None:
        self._die("add_file", *arguments)


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_everything_arrives_once(
    tracked: Home, in_mlflow: Any, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """One death at each call in turn, each followed by a new shipper, until one gets through."""
    artifact = tracked.root / "config.json"
    artifact.write_text("{}")
    tracker = MlflowTracker(tracked, "digits", "none", print)
    tracker._note(None, "study", uid="u1", tags={"space": "5ace"}, state="RUNNING")
    for number in range(3):
        note_trial(tracker, number, artifacts=[artifact])
    monkeypatch.setattr("hpo.studies.tracking.shipper.MlflowStore", DyingStore)
    monkeypatch.setattr(DyingStore, "after", after)
    deaths = 0
    for dies_at in range(1, 40):
        monkeypatch.setattr(DyingStore, "calls", 0)
        monkeypatch.setattr(DyingStore, "dies_at", dies_at)
        if dies_at % 5 == 0:  # and now and then a cursor is lost too
            (tracked.trial("digits", 0) / "spool.cursor").unlink(missing_ok=True)
        try:
            StudyShipper(tracked, "digits", tracked.tracking_uri, print).ship()
        except Killed:
            deaths += 1
    assert deaths > 5
    assert in_mlflow.epoch_rows() == expected(0, 1, 2)
    assert in_mlflow.run_states() == {"digits": "RUNNING", **{f"trial-000{n}": "FINISHED" for n in range(3)}}
    assert count_unsent(tracked, "digits", tracked.tracking_uri) == 0


_CHILD = """
import itertools, sys, time
from pathlib import Path
from hpo.studies.home import Home
from hpo.studies.store.locks import held_if_free
from hpo.studies.tracking import mlflow_store, mlflow_tracker
from hpo.studies.tracking.events import Epoch, StudyStarted, TrialEnded, TrialStarted

mlflow_tracker.PAUSE_S, mlflow_tracker.IDLE_SHARE = 0.001, 0
home = Home(Path(sys.argv[1]))
mlflow_store.MlflowStore(home.tracking_uri, home).experiment("warm")
tracker = mlflow_tracker.MlflowTracker(home, "digits", home.tracking_uri, print)
tracker.tell(StudyStarted("val_accuracy", "maximize"))
for number in itertools.count(int(sys.argv[2])):
    tracker.tell(TrialStarted(number, {"lr": 0.1}))
    for epoch in range(1, 6):
        tracker.tell(Epoch(number, epoch, {"val_accuracy": number + epoch / 7, "lr": 0.1}))
        print(number, epoch, flush=True)
        time.sleep(0.01)
    tracker.tell(TrialEnded(number, "COMPLETE"))
"""


def killed_child(home: Home, start: int, lines: int) -> set[tuple[int, int]]:
    """What a child that notes trials from `start` on had noted when it was killed after `lines` epochs."""
    command = [sys.executable, "-c", _CHILD, str(home.root), str(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        noted = [child.stdout.readline() for _ in range(lines)]
        os.kill(child.pid, signal.SIGKILL)
        noted += [line for line in child.stdout if line.endswith("\n")]
    return {(int(number), int(epoch)) for number, epoch in map(str.split, noted)}


@pytest.mark.slow
def test_killed_for_real_at_random_times_everything_arrives_once(tracked: Home, in_mlflow: Any) -> None:
    noted = killed_child(tracked, 0, 17) | killed_child(tracked, 1000, 41) | killed_child(tracked, 2000, 64)
    assert in_mlflow.epoch_rows()  # the children had time to send something
    assert pending(tracked) == 0
    spooled = Counter(
        (number, metric, event.facts["epoch"], value)
        for number in spooled_trials(tracked, "digits")
        for event in read_events(spool_path(tracked, "digits", number), 0)[0]
        if event.kind == "epoch"
        for metric, value in event.facts["metrics"].items()
    )
    assert in_mlflow.epoch_rows() == spooled
    assert noted <= {(number, epoch) for number, _, epoch, _ in spooled}
    assert len(in_mlflow.run_states()) == 1 + len(spooled_trials(tracked, "digits"))


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


def test_a_refused_trial_does_not_hold_up_the_others(tracked: Home, in_mlflow: Any) -> None:
    with tracking(tracked) as (tracker, _):
        note_trial(tracker, 0)
    with tracking(tracked) as (tracker, warnings):
        tracker.tell(TrialStarted(0, {"optimizer.sgd.lr": 0.3}))  # MLflow allows no change of a param
        note_trial(tracker, 1)
    assert len(warnings) == 1
    assert "refuses trial 0" in warnings[0]
    assert in_mlflow.epoch_rows() == expected(0, 1)


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


def test_one_of_two_processes_sends_for_both(tracked: Home, in_mlflow: Any) -> None:
    with tracking(tracked) as (tracker, _):
        note_trial(tracker, 0)
        wait_for(lambda: len(in_mlflow.run_states()) == 2)
        with tracking(tracked) as (other, warnings):
            note_trial(other, 1)
        assert ["another process" in warning for warning in warnings] == [True]
        assert in_mlflow.epoch_rows() == expected(0, 1)  # the first, which still runs, has sent them
        assert count_unsent(tracked, "digits", tracked.tracking_uri) == 0
    assert len(in_mlflow.run_states()) == 3


def test_a_process_goes_on_with_the_sending_when_the_one_that_did_it_ends(tracked: Home, in_mlflow: Any) -> None:
    with tracking(tracked) as (tracker, _):
        note_trial(tracker, 0)
        wait_for(lambda: len(in_mlflow.run_states()) == 2)
        other = MlflowTracker(tracked, "digits", tracked.tracking_uri, print)
        other.tell(INFO)
        note_trial(other, 1)
    note_trial(other, 2)
    wait_for(lambda: in_mlflow.epoch_rows() == expected(0, 1, 2))
    assert other.close(20) == 0
    assert len(in_mlflow.run_states()) == 4


def test_what_a_process_that_sends_for_others_cannot_send_is_counted_by_them(tracked: Home, hanging_port: int) -> None:
    uri = f"http://127.0.0.1:{hanging_port}"
    first = MlflowTracker(tracked, "digits", uri, print)
    first.tell(INFO)
    wait_for(lambda: not is_free(tracked))
    other = MlflowTracker(tracked, "digits", uri, print)
    other.tell(INFO)
    note_trial(other, 1)
    assert other.close(0.3) == 2 + 5
    assert first.close(0.1) == 2 + 5


def is_free(home: Home) -> bool:
    with held_if_free(home.study("digits") / "spool.lock") as free:
        return free


@pytest.mark.slow
def test_a_real_server_gets_everything_and_nothing_is_printed(
    tracked: Home, in_mlflow: Any, mlflow_server: str, capfd: pytest.CaptureFixture[str]
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


def wait_for(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def test_events_hold_no_more_than_json(tracked: Home) -> None:
    tracker = MlflowTracker(tracked, "digits", "none", print)
    note_trial(tracker, 0)
    lines = spool_path(tracked, "digits", 0).read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["start", "epoch", "epoch", "epoch", "end"]
