"""The MLflow tracker where processes die: every event arrives once."""

import os
import signal
import subprocess
from collections import Counter
from typing import Any

import pytest
from hpo.studies.home import Home
from hpo.studies.tracking.mlflow.mlflow_store import MlflowStore
from hpo.studies.tracking.mlflow.shipper import StudyShipper, count_unsent
from hpo.studies.tracking.mlflow.spool import read_events, spool_path, spooled_trials
from hpo.studies.tracking.mlflow_tracker import MlflowTracker

from ...warm.client import Command
from .tracked_study import expected, note_trial, pending

pytestmark = pytest.mark.usefixtures("quick")


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
    tracker._append(None, "study", uid="u1", tags={"space": "5ace"}, state="RUNNING")
    for number in range(3):
        note_trial(tracker, number, artifacts=[artifact])
    monkeypatch.setattr("hpo.studies.tracking.mlflow.shipper.MlflowStore", DyingStore)
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
from hpo.studies.tracking import mlflow_tracker
from hpo.studies.tracking.events import Epoch, StudyStarted, TrialEnded, TrialStarted
from hpo.studies.tracking.mlflow import mlflow_store

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
    command = ["-c", _CHILD, str(home.root), str(start)]
    with Command(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        noted = [child.stdout.readline() for _ in range(lines)]
        os.kill(child.pid, signal.SIGKILL)
        noted += [line for line in child.stdout if line.endswith("\n")]
    return {(int(number), int(epoch)) for number, epoch in map(str.split, noted)}


@pytest.mark.usefixtures("warm")
def test_killed_for_real_at_random_times_everything_arrives_once(tracked: Home, in_mlflow: Any) -> None:
    noted = killed_child(tracked, 0, 11) | killed_child(tracked, 1000, 23) | killed_child(tracked, 2000, 37)
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
