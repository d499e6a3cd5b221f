"""The log in PostgreSQL."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from hpo.errors import ServeError
from hpo.serving.monitor.feedback import Truth, keep_feedback
from hpo.serving.monitor.log import SqlLog
from hpo.serving.monitor.options import MonitorOptions
from hpo.serving.monitor.read import read_alarms, read_counts, read_window
from hpo.serving.monitor.schema import metadata, open_log
from hpo.serving.monitor.store import Batch, Store
from hpo.serving.monitor.watch import Watch
from sqlalchemy import Engine, create_engine, make_url

from ...servers import Server
from ..conftest import until
from .conftest import CLASSES, Answer, World


@pytest.fixture(scope="module")
def url(postgres: Server) -> str:
    return postgres.database()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """An empty log."""
    wiped = create_engine(url)
    metadata.drop_all(wiped)
    wiped.dispose()
    opened = open_log(url, create=True)
    yield opened
    opened.dispose()


def test_what_is_recorded_is_read_back_with_its_alarm_and_its_labels(
    engine: Engine, world: World, answer: Answer
) -> None:
    reference = world.reference(world.draw(400, 1))
    options = MonitorOptions(false_alarm_every=10_000, thumbnails=1.0)
    with closing(SqlLog(Store(engine), options, lambda version: Watch(version, CLASSES, reference, options))) as log:
        for place in world.draw(300, 2):
            log.record(answer(int(place)))
        for place in world.draw(100, 3):
            image = (world.images[place] * 0.5).astype("uint8")
            log.record(answer(int(place), image=image, request_id=f"dark{place}"))
    assert log.state.written == 400
    assert log.state.failure == ""
    counts = read_counts(engine)
    assert (counts.total, counts.by_version, counts.dropped) == (400, {"v1": 400}, 0)
    window = read_window(engine, 100, "v1")
    assert len(window) == 100
    assert window.probabilities.shape == (100, 10)
    assert window.probabilities.sum(axis=1) == pytest.approx(1)
    assert read_alarms(engine, 5)[-1].family == "images"
    request = window.request[-1].split()[0]
    assert keep_feedback(engine, [Truth(request, 0, "3"), Truth("nobody", 0, "1")]) == 1
    assert keep_feedback(engine, [Truth(request, 0, "4")]) == 1
    assert read_window(engine, 1).truth.tolist() == ["4"]


def test_a_batch_is_written_whole_or_not_at_all(engine: Engine, answer: Answer) -> None:
    with closing(SqlLog(Store(engine), MonitorOptions(), lambda version: None)) as log:
        for place in range(20):
            log.record(answer(place, request_id="x" * (200 if place == 19 else 8)))  # longer than its column
        until(lambda: bool(log.state.failure))
        assert "too long" in log.state.failure
        assert read_counts(engine).total == 0


def test_old_predictions_are_removed(engine: Engine, answer: Answer) -> None:
    with closing(SqlLog(Store(engine), MonitorOptions(), lambda version: None)) as log:
        for place in range(10):
            log.record(answer(place))
    store = Store(engine)
    store.prune(keep_days=1, keep_rows=3)
    assert read_counts(engine).total == 3
    store.write(Batch(dropped=7))
    assert read_counts(engine).dropped == 7


def test_workers_open_a_fresh_log_at_once(url: str, engine: Engine) -> None:
    """Eight at the same moment, ten times: whoever is not the first finds what another has made or is making."""
    for _ in range(10):
        metadata.drop_all(engine)
        ready = threading.Barrier(8)

        def open_it(ready: threading.Barrier = ready) -> None:
            ready.wait()
            open_log(url, create=True).dispose()

        with ThreadPoolExecutor(8) as threads:
            for opened in [threads.submit(open_it) for _ in range(8)]:
                opened.result()
        assert read_counts(engine).total == 0


def test_a_database_that_is_no_log_is_refused_without_its_password(url: str, engine: Engine) -> None:
    metadata.drop_all(engine)
    named = make_url(url).set(password=make_url(url).password or "secret").render_as_string(hide_password=False)
    with pytest.raises(ServeError, match="not a log of predictions") as told:
        open_log(named, create=False)
    assert str(make_url(named).password) not in str(told.value)


def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(ServeError, match="cannot be opened") as told:
        open_log("postgresql+psycopg://hpo:secret@127.0.0.1:1/none", create=False)
    assert "secret" not in str(told.value)
