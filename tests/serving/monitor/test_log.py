"""Every prediction is written once, whatever happens to the database and to the process."""

import io
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import ServeError
from hpo.serving.monitor.allowance import Allowance
from hpo.serving.monitor.log import SqlLog
from hpo.serving.monitor.options import MonitorOptions
from hpo.serving.monitor.schema import log_url, open_log
from hpo.serving.monitor.store import Store
from PIL import Image

from .conftest import Answer

UNWATCHED = lambda version: None  # noqa: E731


def url(folder: Path) -> str:
    return log_url(folder / "export")


@contextmanager
def logging_to(folder: Path, **options: float) -> Iterator[SqlLog]:
    log = SqlLog(Store(open_log(url(folder), create=True)), MonitorOptions(**options), UNWATCHED)
    with closing(log):
        yield log


def rows(folder: Path, query: str = "select count(*) from predictions") -> list[tuple]:
    with closing(sqlite3.connect(folder / "predictions.db")) as database:
        return database.execute(query).fetchall()


def wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_is_recorded_is_written(tmp_path: Path, answer: Answer) -> None:
    with logging_to(tmp_path) as log:
        for place in range(600):
            log.record(answer(place))
    assert log.state.written == 600
    (stored,) = rows(tmp_path, "select class_name, confidence, probabilities, brightness from predictions where id = 7")
    given = answer(6)
    assert stored[:2] == (given.class_name, pytest.approx(given.confidence))
    assert np.frombuffer(stored[2], "<f2") == pytest.approx(given.probabilities, abs=1e-3)
    assert stored[3] == pytest.approx(given.image.mean() / 255)
    assert rows(tmp_path, "select count(*) from thumbnails") == [(0,)]


def test_of_a_dense_stream_all_is_written_and_a_part_is_measured(tmp_path: Path, answer: Answer) -> None:
    with logging_to(tmp_path, watch_per_second=20) as log:
        for place in range(1_500):
            log.record(answer(place))
    assert rows(tmp_path) == [(1_500,)]
    ((measured,),) = rows(tmp_path, "select count(*) from predictions where brightness is not null")
    assert 200 <= measured <= 400  # 10 seconds' worth at once, and what the few seconds of the test bring
    ((half,),) = rows(tmp_path, "select count(*) from predictions where brightness > 0 and contrast is null")
    assert half == 0


def test_what_is_looked_at_is_bounded_over_time() -> None:
    allowance = Allowance(100, now=0.0)
    assert allowance.take(700, now=0.0) == 700  # a burst is looked at as a whole
    assert allowance.take(700, now=0.0) == 300
    assert allowance.take(700, now=0.5) == 50
    taken = sum(allowance.take(250, now=0.5 + 0.25 * turn) for turn in range(1, 401))
    assert taken == 10_000
    assert allowance.take(5_000, now=1_000.0) == 1_000


def test_thumbnails_are_the_share_asked_for(tmp_path: Path, answer: Answer) -> None:
    with logging_to(tmp_path, thumbnails=0.25) as log:
        for place in range(400):
            log.record(answer(place))
    found = rows(tmp_path, "select request_id, png from thumbnails")
    assert 60 < len(found) < 140  # 100 expected, 8.7 the standard deviation
    name, png = found[0]
    pixels = np.asarray(Image.open(io.BytesIO(png)))
    assert (pixels == answer(int(name[1:])).image[0]).all()


def test_a_locked_database_is_waited_for_and_drops_are_counted(tmp_path: Path, answer: Answer) -> None:
    with logging_to(tmp_path, queue=50) as log, closing(sqlite3.connect(tmp_path / "predictions.db")) as other:
        other.isolation_level = None
        other.execute("begin immediate")
        began = time.monotonic()
        for place in range(1_000):
            log.record(answer(place))
        assert time.monotonic() - began < 10  # most of it makes the answers; the log waits for nothing
        wait(lambda: "locked" in log.state.failure)
        assert log.state.dropped > 0
        other.execute("rollback")
        wait(lambda: log.state.waiting == 0 and not log.state.failure)
        log.record(answer(2_000))
    ((written,),) = rows(tmp_path)
    assert written == log.state.written == 1_001 - log.state.dropped
    assert rows(tmp_path, "select sum(count) from drops") == [(log.state.dropped,)]


def test_a_full_disk_is_said_and_what_fits_later_is_written(tmp_path: Path, answer: Answer) -> None:
    engine = open_log(url(tmp_path), create=True)
    with engine.connect() as connection:  # as many pages as there are: SQLite then answers as on a full disk
        pages = connection.exec_driver_sql("pragma page_count").scalar()
        connection.exec_driver_sql(f"pragma max_page_count={pages}")
    with closing(SqlLog(Store(engine), MonitorOptions(), UNWATCHED)) as log:
        for place in range(500):
            log.record(answer(place))
        wait(lambda: "full" in log.state.failure)
        engine.dispose()  # the limit goes with its connection: there is room again
        wait(lambda: log.state.written == 500)
    assert rows(tmp_path) == [(500,)]


def test_a_killed_writer_leaves_whole_batches(tmp_path: Path) -> None:
    script = f"""
import itertools, time, numpy as np
from pathlib import Path
from hpo.serving.prediction import Prediction
from hpo.serving.monitor.log import SqlLog
from hpo.serving.monitor.options import MonitorOptions
from hpo.serving.monitor.schema import open_log
from hpo.serving.monitor.store import Store
log = SqlLog(Store(open_log({url(tmp_path)!r}, create=True)), MonitorOptions(), lambda version: None)
shares = np.full(10, 0.1, np.float32)
image = np.zeros((1, 8, 8), np.uint8)
for n in itertools.count():
    log.record(Prediction(time.time(), str(n), 0, "champion", False, "v", 0, "0", 0.1, shares, 0.0, image))
    if n % 100 == 0:
        print(log.state.written, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        written = 0
        while written < 2_000:
            written = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
    assert rows(tmp_path, "pragma integrity_check") == [("ok",)]
    ((count, distinct),) = rows(tmp_path, "select count(*), count(distinct request_id) from predictions")
    assert count == distinct >= written
    with logging_to(tmp_path):
        pass  # it opens again


def test_old_predictions_are_removed(tmp_path: Path, answer: Answer) -> None:
    with logging_to(tmp_path) as log:
        for place in range(10):
            log.record(answer(place, time=time.time() - (place < 5) * 10 * 86_400))
    store = Store(open_log(url(tmp_path), create=False))
    store.prune(keep_days=9, keep_rows=1_000)
    assert rows(tmp_path) == [(5,)]
    store.prune(keep_days=9, keep_rows=3)
    assert rows(tmp_path, "select min(id) from predictions") == [(8,)]
    store.close()


def test_workers_open_a_fresh_log_at_once(tmp_path: Path) -> None:
    """Eight at the same moment, ten times: whoever is not the first finds what another has made or is making."""
    for number in range(10):
        ready = threading.Barrier(8)

        def open_it(ready: threading.Barrier = ready, name: str = f"{number}.db") -> None:
            ready.wait()
            open_log(f"sqlite:///{tmp_path / name}", create=True).dispose()

        with ThreadPoolExecutor(8) as threads:
            for opened in [threads.submit(open_it) for _ in range(8)]:
                opened.result()


def test_two_workers_write_to_one_log(tmp_path: Path, answer: Answer) -> None:
    with logging_to(tmp_path) as one, logging_to(tmp_path) as two:
        for place in range(500):
            (one if place % 2 else two).record(answer(place))
    assert rows(tmp_path) == [(500,)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no predictions yet"),
        (lambda path: path.write_text("not a database, but long enough to be read as one" * 50), "cannot be opened"),
        (lambda path: sqlite3.connect(path).execute("create table other (id)").connection.close(), "not a log"),
        (lambda path: _newer(path), "format 99"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    make(tmp_path / "predictions.db")
    with pytest.raises(ServeError, match=words):
        open_log(url(tmp_path), create=False)


def _newer(path: Path) -> None:
    open_log(f"sqlite:///{path}", create=True).dispose()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("update monitor_schema set version = 99")


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(ServeError, match="not a database URL"):
        open_log("predictions.db", create=True)


@pytest.mark.parametrize(
    "wrong", [{"false_alarm_every": 5}, {"keep_days": 0}, {"thumbnails": 2}, {"queue": 0}, {"watch_per_second": 0}]
)
def test_options_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ServeError, match=next(iter(wrong)).replace("_", "-")):
        MonitorOptions(**wrong)
