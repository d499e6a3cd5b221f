"""The MLflow tracker: a spool of events and a thread that ships.

The search never waits for MLflow. The thread ships every few seconds what is new, and uses little of a core; where
MLflow does not answer it says so once, and tries again ever more rarely. Of several processes on a study one sends for
all; when it ends, another does. What is left when the last ends, or is killed, is sent by the next run of the study or
by `ship_pending`.
"""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

from ...common.masking import masked
from ..home import Home
from ..store.locks import held_if_free
from .events import Epoch, Event, StudyEnded, StudyStarted, TrialEnded, TrialNoted, TrialPaused, TrialStarted
from .mlflow.answers import is_absence, reason
from .mlflow.shipper import StudyShipper, count_unsent
from .mlflow.spool import SpoolWriter, read_events, spool_path
from .mlflow.stores import kept_stores
from .tracker import Tracker
from .tracker_kinds import TrackedStudy, register_tracker

PAUSE_S = 10.0
"""The shortest time between two shipments, in seconds: a call costs as much for one epoch as for ten."""
IDLE_SHARE = 20
"""A pause is at least this many times the CPU time of the shipment before: some 5 % of one core."""
LONGEST_PAUSE_S = 60.0
"""Between two attempts to reach an MLflow that does not answer: it may be away for hours."""
LAST_PAUSE_S = 1.0
"""The same, once the command only waits for it: the user waits, too."""
PENDING_S = 10.0
"""How long a command waits until what earlier runs have left is sent; what is not sent by then goes on beside it."""


@register_tracker("mlflow")
def _open(study: TrackedStudy) -> Tracker:
    return MlflowTracker(study.home, study.name, study.mlflow_uri, study.warn)


class MlflowTracker:
    """The tracker of `study` in `home` to the MLflow at `uri`.

    `on_warning` gets a line for the user, seldom, from another thread.
    """

    def __init__(self, home: Home, study: str, uri: str, on_warning: Callable[[str], None]) -> None:
        self._home, self._study, self._uri, self._warn = home, study, uri, on_warning
        self._writers: dict[int | None, SpoolWriter] = {}
        self._closing, self._abandoned = Flag(), Flag()
        self._thread = Thread(target=self._ship_until_closed, name="mlflow shipper", daemon=True)

    def tell(self, event: Event) -> None:
        """Append the event to its spool; StudyStarted also starts the shipping.

        That sends what an earlier run has left as well.
        """
        match event:
            case StudyStarted(metric, direction, tags):
                uid = _recorded_uid(spool_path(self._home, self._study, None)) or uuid.uuid4().hex
                tags = {**tags, "metric": metric, "direction": direction}
                self._append(None, "study", uid=uid, tags=tags, artifacts=self._names(event), state="RUNNING")
                self.start()
            case TrialStarted(trial, params, tags):
                tags, files = {**tags, "state": "RUNNING"}, self._names(event)
                self._append(trial, "start", state="RUNNING", params=dict(params), tags=tags, artifacts=files)
            case Epoch(trial, epoch, metrics):
                self._append(trial, "epoch", epoch=epoch, metrics=dict(metrics))
            case TrialNoted(trial, tags):
                self._append(trial, "note", state="RUNNING", tags=dict(tags))
            case TrialPaused(trial, _, metrics):
                tags = {"state": event.state}
                self._append(trial, "pause", state="RUNNING", metrics=dict(metrics), tags=tags)
                self._writers.pop(trial).close()  # most paused trials are not promoted: no file is kept open for them
            case TrialEnded(trial, state, metrics, tags):
                tags, files = {**tags, "state": state}, self._names(event)
                self._append(trial, "end", state=state, metrics=dict(metrics), tags=tags, artifacts=files)
                self._writers.pop(trial).close()
            case StudyEnded(state, metrics, tags):
                facts = {"metrics": dict(metrics), "tags": dict(tags), "artifacts": self._names(event)}
                self._append(None, "finish", state=state, **facts)

    def start(self) -> None:
        """Start the thread that ships, unless it runs."""
        if not self._thread.is_alive():
            self._thread.start()

    def close(self, timeout_s: float) -> int:
        """Ship for at most `timeout_s` seconds more.

        Returns:
            How many events remain for the next run.
        """
        for writer in self._writers.values():
            writer.close()
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._abandoned.set()
        return count_unsent(self._home, self._study, self._uri)

    def _append(self, number: int | None, kind: str, **facts: Any) -> None:
        writer = self._writers.get(number)
        if writer is None:
            writer = self._writers[number] = SpoolWriter(spool_path(self._home, self._study, number))
        failed_before = writer.failed
        writer.append(kind, facts)
        if writer.failed == 1 and failed_before == 0:  # one warning for each spool
            self._warn(f"{self._home.study(self._study)} cannot be written, so events are missing from MLflow")

    def _names(self, event: StudyStarted | TrialStarted | TrialEnded | StudyEnded) -> list[str]:
        """Return the files of `event` as the spool names them.

        Those in the home are relative to it: the home may be moved before they are sent.
        """
        root, paths = self._home.root, [path.absolute() for path in event.artifacts]
        return [str(path.relative_to(root) if path.is_relative_to(root) else path) for path in paths]

    def _ship_until_closed(self) -> None:
        has_warned = False
        while not self._abandoned.is_set():
            with held_if_free(self._home.study(self._study) / "spool.lock") as free:
                if free:
                    _ShippingLoop(self._home, self._study, self._uri, self._warn).run(self._closing, self._abandoned)
                    return
            if not has_warned:
                self._warn(f"another process is sending {self._study} to MLflow; it sends this run's events too")
                has_warned = True
            # the process that has the lock may end any time, and what is unsent is then this one's to send
            if not self._closing.is_set():
                self._closing.wait(PAUSE_S)
            elif count_unsent(self._home, self._study, self._uri):
                self._abandoned.wait(LAST_PAUSE_S)
            else:
                return


class _ShippingLoop:
    """The loop of the thread that holds the lock of the study.

    It decides when to ship, and what to do about failure.
    """

    def __init__(self, home: Home, study: str, uri: str, warn: Callable[[str], None]) -> None:
        self._shipper = StudyShipper(home, study, uri, warn)
        self._folder, self._uri, self._warn = home.study(study), uri, warn
        self._failures = 0

    def run(self, closing: Flag, abandoned: Flag) -> None:
        """Ship until all is sent after `closing`, or until `abandoned`."""
        while not abandoned.is_set():
            last = closing.is_set()  # asked before the spools are read: this process writes nothing after it is set
            pause_s = self._attempt()
            if last and not self._failures:
                return
            if last:
                abandoned.wait(LAST_PAUSE_S)
            else:
                closing.wait(pause_s)

    def _attempt(self) -> float:
        """Ship once.

        Returns:
            Seconds until the next time.
        """
        began = time.thread_time()
        try:
            self._shipper.ship()
        except Exception as error:  # whatever MLflow or a driver of it raises: the search must not hear of it
            self._failures += 1
            if self._failures == 1:
                fault = "does not answer" if is_absence(error) else "cannot be written"
                self._warn(
                    f"MLflow at {masked(self._uri)} {fault} ({reason(error)}); what it lacks waits in {self._folder}"
                )
            return float(min(2.0**self._failures, LONGEST_PAUSE_S))
        if self._failures:
            self._warn(f"MLflow at {masked(self._uri)} answers again; what was waiting has been sent")
        self._failures = 0
        return max(PAUSE_S, IDLE_SHARE * (time.thread_time() - began))


def ship_pending(home: Home, study: str, uri: str, on_warning: Callable[[str], None]) -> int:
    """Send what earlier runs of `study` left, within PENDING_S seconds.

    A study that is kept at another store than `uri` is left alone; without anything to send MLflow is not imported.

    Returns:
        How many events still remain.

    Raises:
        StudyError: the file that says where the study is kept cannot be read.
    """
    kept = kept_stores(home, study)
    if kept is None or kept.tracking != masked(uri) or not count_unsent(home, study, uri):
        return 0
    tracker = MlflowTracker(home, study, uri, on_warning)
    tracker.start()
    return tracker.close(PENDING_S)


def _recorded_uid(spool: Path) -> str | None:
    """Return the uid that the study got when first tracked."""
    events, _ = read_events(spool, 0)
    return next((event.facts["uid"] for event in events if event.kind == "study"), None)
