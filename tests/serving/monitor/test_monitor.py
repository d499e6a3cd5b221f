"""The whole monitor on a real log: alarms, report, feedback, routes, plots."""

import hashlib
import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hpo.errors import ServeError
from hpo.serving.export_folder import read_manifest
from hpo.serving.monitor.monitor import MakeMonitor, Monitor, find_reference
from hpo.serving.monitor.options import MonitorOptions
from hpo.serving.monitor.plots import confidence_plot, mix_plot
from hpo.serving.monitor.reference import REFERENCE, Reference
from hpo.serving.monitor.report import Report, make_report
from hpo.serving.monitor.routes import router
from hpo.serving.monitor.schema import log_url, open_log
from hpo.serving.options import Folder
from hpo.serving.problems import RefusedError
from sqlalchemy import text

from .conftest import CLASSES, Answer, World


@pytest.fixture
def export(tmp_path: Path, world: World) -> Path:
    """An export folder as far as the monitor reads it."""
    folder = tmp_path / "export"
    folder.mkdir()
    world.reference(world.draw(400, 1)).save(folder / REFERENCE)
    files = {REFERENCE: {"sha256": hashlib.sha256((folder / REFERENCE).read_bytes()).hexdigest()}}
    known = {"study": "digits", "trial": 3, "model_version": "v1", "class_names": list(CLASSES), "files": files}
    manifest = {**known, "preprocessing": {"image_size": 8, "channels": 1}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def monitor(export: Path) -> Iterator[Monitor]:
    with closing(MakeMonitor((Folder(export),), MonitorOptions(false_alarm_every=1_000_000))()) as made:
        yield made


def written(monitor: Monitor, count: int) -> None:
    until = time.monotonic() + 60
    while monitor.state.written < count:
        assert time.monotonic() < until
        time.sleep(0.02)


def report_of(export: Path) -> Report:
    manifest = read_manifest(export)
    engine = open_log(log_url(export), create=False)
    try:
        return make_report(engine, manifest, find_reference(export, manifest))
    finally:
        engine.dispose()


def test_a_quiet_model_is_reported_and_a_changed_world_alarmed(
    monitor: Monitor, export: Path, world: World, answer: Answer
) -> None:
    for place in world.draw(300, 2):
        monitor.record(answer(int(place)))
    written(monitor, 300)
    quiet = report_of(export)
    assert (quiet.window, quiet.counts.total, quiet.alarms) == (300, 300, ())
    assert quiet.expected is not None
    assert quiet.expected.accuracy_now == pytest.approx(quiet.expected.accuracy_at_export, abs=0.03)
    assert min(test.p_value for test in quiet.expected.tests) > 0.001
    assert sum(quiet.mix.values()) == pytest.approx(1)
    assert list(quiet.latency_s) == ["p50", "p90", "p99"]

    for place in world.draw(200, 3):
        image = (world.images[place] * 0.5).astype(np.uint8)
        monitor.record(answer(int(place), image=image, probabilities=world.probabilities(image[None])[0]))
    written(monitor, 500)
    changed = report_of(export)
    assert changed.alarms[0].family == "images"
    assert monitor.state.alarms[("v1", "images")] >= 1
    assert changed.expected is not None
    assert min(test.p_value for test in changed.expected.tests) < 1e-6
    words = json.loads(json.dumps(changed.to_json()))["alarms"][0]["words"]
    assert changed.alarms[0].feature in words


def test_plots_are_svg_with_their_content_in_words(monitor: Monitor, export: Path, answer: Answer) -> None:
    empty = report_of(export)
    for place in range(60):
        monitor.record(answer(place))
    written(monitor, 60)
    full = report_of(export)
    for report in (empty, full):
        for plot in (confidence_plot(report), mix_plot(report)):
            root = ET.fromstring(plot)
            assert root.get("role") == "img"
            assert root.get("aria-label")
    assert f"now {full.periods[-1].confidence:.2f}" in confidence_plot(full)
    assert mix_plot(full).count("<rect") == 10 * (len(full.periods) + 1)  # and the legend


@pytest.fixture
def client(monitor: Monitor) -> Iterator[TestClient]:
    app = FastAPI()
    for routes in monitor.routers():
        app.include_router(routes)
    app.add_exception_handler(RefusedError, lambda request, error: error.response("r"))
    with TestClient(app) as made:
        yield made


def test_feedback_gives_an_accuracy_with_its_interval(
    client: TestClient, monitor: Monitor, export: Path, world: World, answer: Answer
) -> None:
    for place in range(100):
        monitor.record(answer(place))
    written(monitor, 100)
    labels = [{"request_id": f"r{place}", "label": str(world.labels[place])} for place in range(80)]
    wrong = [{"request_id": "r0", "label": str((world.labels[0] + 1) % 10)}]
    assert client.post("/feedback", json={"labels": [*wrong, {"request_id": "x", "label": "1"}]}).json() == {
        "kept": 2,
        "known": 1,
    }
    assert client.post("/feedback", json={"labels": labels}).json() == {"kept": 80, "known": 80}  # the last word counts
    told = client.get("/monitor").json()["feedback"]
    right = sum(answer(place).class_index == world.labels[place] for place in range(80))
    assert (told["correct"], told["count"]) == (right, 80)
    assert told["low"] < told["accuracy"] <= told["high"] <= 1
    assert client.get("/monitor/mix.svg").headers["content-type"].startswith("image/svg+xml")
    assert client.get("/monitor/confidence.svg").text.startswith("<svg")


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": []},
        {"labels": [{"request_id": "r", "label": "eleven"}]},
        {"labels": [{"request_id": "r", "index": -1, "label": "1"}]},
        {"labels": [{"label": "1"}]},
        {"truths": []},
    ],
)
def test_feedback_that_cannot_be_is_refused(wrong: object, client: TestClient) -> None:
    assert client.post("/feedback", json=wrong).status_code == 422


def test_arms_are_compared_on_the_images_that_both_answered(
    monitor: Monitor, export: Path, client: TestClient, world: World, answer: Answer
) -> None:
    for place in range(120):
        monitor.record(answer(place))
        other = str((world.labels[place] + place % 2) % 10)  # wrong every second time
        changes = {"arm": "challenger", "shadow": True, "model_version": "v2", "latency_s": 0.02}
        monitor.record(answer(place, class_name=other, **changes))
    written(monitor, 240)
    labels = [{"request_id": f"r{place}", "label": str(world.labels[place])} for place in range(120)]
    client.post("/feedback", json={"labels": labels})
    arms = report_of(export).arms
    assert arms is not None
    assert arms.paired
    assert arms.images == 120
    assert arms.accuracy is not None
    assert arms.accuracy < -0.3
    assert arms.accuracy_p is not None
    assert arms.accuracy_p < 1e-6
    assert arms.latency_s == pytest.approx(0.01)
    assert "v2" not in monitor.state.evidence  # its export is not among the sources: it is logged, not watched


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"PK torn")])
def test_a_model_without_a_usable_reference_is_logged_but_not_watched(
    damage: Callable[[Path], object], export: Path, answer: Answer
) -> None:
    damage(export / REFERENCE)
    with closing(MakeMonitor((Folder(export),))()) as monitor:
        for place in range(50):
            monitor.record(answer(place))
        written(monitor, 50)
        assert monitor.state.evidence == {}
        report = report_of(export)
    assert report.window == 50
    assert report.expected is None


def test_a_damaged_reference_says_so(tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="missing"):
        Reference.load(tmp_path / REFERENCE)
    (tmp_path / REFERENCE).write_bytes(b"PK torn")
    with pytest.raises(ServeError, match="damaged"):
        Reference.load(tmp_path / REFERENCE)


def test_feedback_names_classes_in_any_unicode_form(tmp_path: Path) -> None:
    engine = open_log(log_url(tmp_path), create=True)
    app = FastAPI()
    app.include_router(router(engine, lambda: ("caf\xe9", "pain"), lambda: pytest.fail("no report was asked for")))
    with TestClient(app) as client:
        for number, name in enumerate(("caf\xe9", "cafe\u0301")):
            asked = client.post("/feedback", json={"labels": [{"request_id": f"r{number}", "label": name}]})
            assert asked.status_code == 200
    with engine.connect() as connection:
        assert connection.execute(text("select distinct class_name from feedback")).scalars().all() == ["caf\xe9"]
    engine.dispose()
