"""The prediction log of a server, with its own thread.

A bounded queue, and one thread that measures, watches and writes.

A server that is busy has no time for a second thread, so the thread sleeps while predictions gather and is never woken
by one; to hand one over is to append it to a list. To measure an image and look for drift takes longer than to write a
row: of a dense stream a random part is looked at, and as many a second as ever are more than enough to see a change.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy.exc import SQLAlchemyError

from ..prediction import LogState, Prediction
from .alarm import Alarm
from .allowance import Allowance
from .features import Numbers
from .options import MonitorOptions
from .store import Batch, Store, rows_of, statistics_of, thumbnail
from .watch import Watch

_BATCH = 512  # rows of a transaction: ten a second at 5,000 predictions a second
_GATHER_S = 0.25  # what is read back is at most so old
_RETRY_S = 0.5  # between attempts to write: a lock is mostly gone after it
_CLOSE_S = 5.0  # as long as the server drains
_PRUNE_EVERY_S = 600.0  # at 100 predictions a second the log is at most 60,000 rows too long
_LOGGER = logging.getLogger("hpo.monitor")

WatchFor = Callable[[str], Watch | None]


class SqlLog:
    """A PredictionLog that writes to a database and raises alarms.

    Args:
        store: where to write; closed with the log.
        options: sizes and shares.
        watch_for: the watch over a model version, None where it has no reference; called once per version, in the
            background.
    """

    def __init__(self, store: Store, options: MonitorOptions, watch_for: WatchFor) -> None:
        self._store = store
        self._options = options
        self._watch_for = watch_for
        self._waiting: deque[Prediction] = deque()
        self._watches: dict[str, Watch | None] = {}
        self._random = np.random.default_rng(options.seed)
        self._allowance = Allowance(options.watch_per_second, time.monotonic())
        self._written = 0
        self._dropped = 0
        self._drops_written = 0  # of the dropped, how many the database knows of
        self._failure = ""
        self._alarms: dict[tuple[str, str], int] = {}
        self._closing = threading.Event()
        self._pruned = -_PRUNE_EVERY_S
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def record(self, prediction: Prediction) -> None:
        """Take one prediction.

        Where too many are waiting it is dropped and counted.
        """
        if len(self._waiting) < self._options.queue:
            self._waiting.append(prediction)
        else:
            self._dropped += 1  # note: called from the server's one event loop, so nobody else counts

    def close(self) -> None:
        """Write what is waiting, for at most five seconds.

        What a dead database still refuses is lost.
        """
        self._closing.set()
        self._thread.join(_CLOSE_S)

    @property
    def state(self) -> LogState:
        """Return the state of the log."""
        evidence = {version: watch.evidence for version, watch in list(self._watches.items()) if watch}
        waiting, alarms = len(self._waiting), dict(self._alarms)
        return LogState(self._written, self._dropped, waiting, self._failure, evidence, alarms)

    def _run(self) -> None:
        while self._waiting or not self._closing.is_set():
            gathered = self._gather()
            if gathered:
                self._write(self._prepare(gathered))
            self._prune()
        self._store.close()

    def _gather(self) -> list[Prediction]:
        """Return what has come, a batch at most.

        After a quarter of a second where that is less than a batch.
        """
        if len(self._waiting) < _BATCH:
            self._closing.wait(_GATHER_S)
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH))]

    def _prepare(self, gathered: Sequence[Prediction]) -> Batch:
        watched = self._choose(len(gathered))
        looked_at = [gathered[index] for index in watched]
        statistics = statistics_of(looked_at)
        measured = dict(zip(watched, statistics.tolist(), strict=True))
        kept = self._random.random(len(gathered)) < self._options.thumbnails
        return Batch(
            rows=rows_of(gathered, measured),
            images=[thumbnail(prediction) for prediction, keep in zip(gathered, kept, strict=True) if keep],
            raised=self._look(looked_at, statistics),
        )

    def _choose(self, count: int) -> list[int]:
        """Choose which of `count` predictions are looked at, by index."""
        allowed = self._allowance.take(count, time.monotonic())
        return sorted(self._random.choice(count, allowed, replace=False).tolist())

    def _look(self, predictions: Sequence[Prediction], statistics: Numbers) -> list[Alarm]:
        """Show each model's predictions to its watch."""
        raised: list[Alarm] = []
        for version in dict.fromkeys(prediction.model_version for prediction in predictions):
            rows = [index for index, prediction in enumerate(predictions) if prediction.model_version == version]
            watch = self._watch(version)
            if watch is not None:
                times = np.array([predictions[index].time for index in rows])
                probabilities = np.array([predictions[index].probabilities for index in rows], np.float64)
                raised.extend(watch.take(times, probabilities, statistics[rows]))
        for alarm in raised:
            _LOGGER.warning("drift: %s", alarm.words)
            key = (alarm.version, alarm.family)
            self._alarms[key] = self._alarms.get(key, 0) + 1
        return raised

    def _watch(self, version: str) -> Watch | None:
        if version not in self._watches:
            self._watches[version] = self._watch_for(version)
        return self._watches[version]

    def _write(self, batch: Batch) -> None:
        """Write `batch` however often it takes.

        Meanwhile the queue fills and new predictions are dropped.
        """
        while True:
            dropped = self._dropped
            batch.dropped = dropped - self._drops_written
            try:
                self._store.write(batch)
            except SQLAlchemyError as error:
                self._fail(error)
                if self._closing.wait(_RETRY_S):
                    return
                continue
            self._drops_written, self._failure = dropped, ""
            self._written += len(batch.rows)
            return

    def _fail(self, error: SQLAlchemyError) -> None:
        """Log a failure once per kind, not at every attempt."""
        failure = str(getattr(error, "orig", None) or error).splitlines()[0]
        if failure != self._failure:
            _LOGGER.warning("predictions cannot be written, will try again: %s", failure)
        self._failure = failure

    def _prune(self) -> None:
        if time.monotonic() - self._pruned < _PRUNE_EVERY_S:
            return
        self._pruned = time.monotonic()
        try:
            self._store.prune(self._options.keep_days, self._options.keep_rows)
        except SQLAlchemyError as error:
            self._fail(error)
