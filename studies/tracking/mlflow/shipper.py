"""Shipping the spools of one study to MLflow, each event once.

Also where a process is killed or a server dies in between. Per spool: read on from the cursor, merge the events into
one batch, send it, move the cursor. Killed anywhere in between, the same batch is sent again, which MLflow's store
drops (see mlflow_store.py).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ....common.masking import masked
from ...home import Home
from .answers import is_lasting, is_missing, reason
from .mlflow_scope import mlflow_scope
from .mlflow_store import RUN_STATUS, UID_TAG, MetricRow, MlflowStore, RunRef
from .spool import Cursor, Line, read_cursor, read_events, spool_path, spooled_trials, unsent, write_cursor


@dataclass
class Batch:
    """The metrics, params, tags, files and status of several lines."""

    start_ms: int
    epoch: int
    metrics: list[MetricRow] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    status: str = ""
    end_ms: int = 0

    def add(self, line: Line) -> None:
        """Add one line of the spool.

        An epoch at or below the last one is dropped: a trial that resumed from a checkpoint trains some epochs twice.
        """
        facts = line.facts
        step = int(facts.get("epoch", 0))
        if line.kind == "epoch" and step <= self.epoch:
            return
        # lines that are no epochs are step 0, where the metrics that sum up a trial are
        self.epoch = max(self.epoch, step)
        self.metrics += [MetricRow(k, float(v), line.time_ms, step) for k, v in facts.get("metrics", {}).items()]
        self.params |= facts.get("params", {})
        self.tags |= facts.get("tags", {})
        self.files += [Path(name) for name in facts.get("artifacts", ())]
        if line.kind != "epoch":
            self.status, self.end_ms = RUN_STATUS[facts.get("state", "RUNNING")], line.time_ms


def merge(lines: Sequence[Line], epoch: int) -> Batch:
    """Merge one or more `lines`; `epoch` is the last one sent before."""
    batch = Batch(start_ms=lines[0].time_ms, epoch=epoch)
    for line in lines:
        batch.add(line)
    return batch


class StudyShipper:
    """The shipping of the spools of one study to one tracking store.

    Used by one thread of one process at a time. `on_warning` gets a line for each run or file that cannot be sent.
    """

    def __init__(self, home: Home, study: str, uri: str, on_warning: Callable[[str], None]) -> None:
        self._home, self._study, self._uri, self._warn = home, study, uri, on_warning
        self._store_name = store_name(home, uri)
        self._store: MlflowStore | None = None
        self._experiment = ""
        self._parent: RunRef | None = None
        self._uid = ""
        self._tags: dict[str, Any] = {}
        self._refused: set[int | None] = set()
        # spools whose run may exist although their cursor does not say so
        self._doubtful: set[int | None] = {None, *spooled_trials(home, study)}
        # how large the spool of a trial was when all of it had been sent
        self._sent: dict[int, int] = {}
        # runs whose creation went unanswered once: a server that was only slow may make them after all
        self._unanswered: set[int | None] = set()

    def ship(self) -> None:
        """Send the new events of the study and its trials, of all processes.

        Raises:
            Exception: what MLflow raised; what was not sent is sent by a later call.
        """
        with mlflow_scope():
            self._ship_spool(None)
            for number in spooled_trials(self._home, self._study) if self._parent else ():
                size = spool_path(self._home, self._study, number).stat().st_size
                if self._sent.get(number) != size:
                    self._ship_spool(number)
                    self._sent[number] = size

    def _ship_spool(self, number: int | None) -> None:
        try:
            while number not in self._refused and self._ship_part(number):
                pass
        except Exception as error:
            self._doubtful.add(number)
            if is_missing(error):
                self._forget(number)
            if not is_lasting(error):
                raise
            self._refused.add(number)
            subject = "the study" if number is None else f"trial {number}"
            self._warn(f"MLflow at {masked(self._uri)} refuses {subject}: {reason(error)}")

    def _forget(self, number: int | None) -> None:
        """Reset the cursor of a run that MLflow has lost.

        All of it is sent again. With the run of the study, those of its trials are lost, too: they have no parent.
        """
        lost: list[int | None] = [number]
        if number is None:
            self._experiment, self._parent = "", None
            lost += spooled_trials(self._home, self._study)
        self._sent.clear()
        for lost_number in lost:
            write_cursor(spool_path(self._home, self._study, lost_number), Cursor(self._store_name))

    def _ship_part(self, number: int | None) -> bool:
        """Send the next part of a spool; False at its end."""
        path = spool_path(self._home, self._study, number)
        cursor = read_cursor(path, self._store_name)
        events, offset = read_events(path, cursor.offset)
        if number is None and self._parent is None and cursor.run_id:
            self._read_study(path)
            self._experiment = self._open_store().experiment(self._study)
            self._parent = self._run(cursor)
        if offset == cursor.offset:
            return False
        if events:
            cursor = self._send(number, cursor, merge(events, cursor.epoch))
        write_cursor(path, replace(cursor, offset=offset))
        return True

    def _send(self, number: int | None, cursor: Cursor, batch: Batch) -> Cursor:
        store = self._open_store()
        if number is None and not self._uid:
            self._read_study(spool_path(self._home, self._study, None))
        run = self._run(cursor) if cursor.run_id else None
        created = False
        if run is None:
            run, created = self._find_or_create(number, batch)
        # a run is created with its tags and as RUNNING, so neither is sent again
        store.log(run.run_id, batch.metrics, batch.params, {} if created else batch.tags)
        for path in batch.files:
            self._add_file(run, self._home.root / path)
        if batch.status and not (created and batch.status == "RUNNING"):
            store.set_status(run.run_id, batch.status, batch.end_ms)
        if number in self._unanswered and batch.status != "RUNNING":
            store.delete_others(self._experiment, self._run_uid(number), run.run_id)
        artifact_uri = run.artifact_uri.removeprefix(self._home.root.as_uri())
        return replace(cursor, run_id=run.run_id, artifact_uri=artifact_uri, epoch=batch.epoch)

    def _run(self, cursor: Cursor) -> RunRef:
        """Return the run of a spool, with the address of its files.

        The cursor has addresses inside the home relative to it, so that the home can be moved.
        """
        is_inside = cursor.artifact_uri.startswith("/")
        return RunRef(cursor.run_id, (self._home.root.as_uri() if is_inside else "") + cursor.artifact_uri)

    def _find_or_create(self, number: int | None, batch: Batch) -> tuple[RunRef, bool]:
        store, created = self._open_store(), False
        if number is None:
            self._experiment = store.experiment(self._study)
        uid = self._run_uid(number)
        run = store.find(self._experiment, uid) if number in self._doubtful else None
        if run is None:
            created = True
            name = self._study if number is None else f"trial-{number:04d}"
            try:
                run = store.create(
                    self._experiment, name, batch.start_ms, {**self._own_tags(number, uid), **batch.tags}
                )
            except Exception:
                # a request that timed out may still be carried out by the server: see `delete_others`
                self._unanswered.add(number)
                raise
        self._doubtful.discard(number)
        if number is None:
            self._parent = run
            if created:
                self._doubtful.clear()  # no parent, no children
        return run, created

    def _run_uid(self, number: int | None) -> str:
        return self._uid if number is None else f"{self._uid}/{number}"

    def _own_tags(self, number: int | None, uid: str) -> Mapping[str, Any]:
        tags = {**self._tags, UID_TAG: uid, "study": self._study}
        if number is None or self._parent is None:
            return tags
        return {**tags, "trial": number, "mlflow.parentRunId": self._parent.run_id}

    def _add_file(self, run: RunRef, path: Path) -> None:
        store = self._open_store()
        if not self._home.contains(path):  # the spool of somebody else's home may name any file of this machine
            self._warn(f"{path} is outside of {self._home.root}, so it is not sent to MLflow")
        elif not path.exists():
            self._warn(f"{path} is not there any more, so it cannot be kept in MLflow")
        elif outside := store.outside(run):
            self._warn(f"{path.name} is not kept in MLflow: {outside}")
        else:
            store.add_file(run, path)

    def _read_study(self, path: Path) -> None:
        """Read the study's uid and tags from its first event."""
        events, _ = read_events(path, 0)
        facts = next((event.facts for event in events if event.kind == "study"), {})
        self._uid, self._tags = str(facts.get("uid", "")), dict(facts.get("tags", {}))

    def _open_store(self) -> MlflowStore:
        if self._store is None:
            self._store = MlflowStore(self._uri, self._home)
        return self._store


def store_name(home: Home, uri: str) -> str:
    """Return a short name of a tracking store, for the cursors.

    It depends on no password, which may change, and on no path of a home, which may be moved.
    """
    return "home" if uri == home.tracking_uri else hashlib.sha256(masked(uri).encode()).hexdigest()[:16]


def count_unsent(home: Home, study: str, uri: str) -> int:
    """Count the events of a study that the tracking store lacks."""
    spools = [None, *spooled_trials(home, study)]
    return sum(unsent(spool_path(home, study, number), store_name(home, uri)) for number in spools)
