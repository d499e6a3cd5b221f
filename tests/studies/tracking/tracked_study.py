"""A study that is given to the MLflow tracker, and the rows that it makes in MLflow."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hpo.studies.home import Home
from hpo.studies.tracking.events import Epoch, StudyStarted, TrialEnded, TrialStarted
from hpo.studies.tracking.mlflow.stores import Stores, keep_stores
from hpo.studies.tracking.mlflow_tracker import MlflowTracker, ship_pending
from hpo.studies.tracking.tracker import Tracker

INFO = StudyStarted("val_accuracy", "maximize", tags={"space": "5ace", "data_fingerprint": "f1"})
METRICS = ("train_loss", "val_accuracy", "lr")


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


def pending(home: Home) -> int:
    """How many events remain once a study that is kept in its home has sent what waited."""
    keep_stores(home, "digits", Stores.at(home.tracking_uri))
    return ship_pending(home, "digits", home.tracking_uri, pytest.fail)


def wait_for(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
