import http.client
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import optuna
import psutil
import pytest
from hpo.common.installation import Extra
from hpo.errors import StudyError
from hpo.studies.artifacts import attach
from hpo.studies.home import Home
from hpo.studies.pages import ui
from hpo.studies.pages.study_pages import experiment_elsewhere, experiment_page
from hpo.studies.store.storage import open_storage
from hpo.studies.tracking.event_files import event_files
from hpo.studies.tracking.events import Epoch, TrialEnded, TrialStarted
from hpo.studies.tracking.mlflow.mlflow_store import MlflowStore
from hpo.studies.tracking.mlflow.stores import Stores
from hpo.studies.tracking.tensorboard_tracker import TensorboardTracker
from hpo.studies.tracking.tracker_kinds import TrackedStudy

from ...warm.start import warm_children_of

Answer = tuple[http.client.HTTPResponse, bytes]
SHADOWED = ("copy", "random", "pandas", "pyarrow", "uvicorn", "mlflow", "optuna", "hpo", "flask")


class Page:
    """A page as a client sees it: by its address, with the headers that are given and no others."""

    def __init__(self, link: str) -> None:
        self.link = link
        self.port = urlsplit(link).port or 0
        self.host = f"127.0.0.1:{self.port}"

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, {"Host": self.host, **named})
            answer = connection.getresponse()
            return answer, answer.read()

    def status(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> int:
        return self.ask(path, method, body, **headers)[0].status

    def cookie(self) -> str:
        """What a browser keeps that has opened the link."""
        answer, _ = self.ask("/?" + urlsplit(self.link).query)
        return (answer.getheader("Set-Cookie") or "").partition(";")[0]

    def is_open(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Pages:
    """Both pages of a home, started in a folder whose modules leave marks."""

    def __init__(self, addresses: ui.Addresses, home: Home, marks: Path) -> None:
        self.dashboard, self.mlflow, self.home, self.marks = (
            Page(addresses.dashboard),
            Page(addresses.mlflow),
            home,
            marks,
        )

    def studies(self) -> list[str]:
        answer, content = self.dashboard.ask("/api/studies", Cookie=self.dashboard.cookie())
        assert answer.status == 200
        return [study["study_name"] for study in json.loads(content)["study_summaries"]]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("ui")
    work, marks = folder / "50%20 {odd}? #1", folder / "marks"
    marks.mkdir()
    for name in SHADOWED:
        (work / name).mkdir(parents=True)
        (work / name / "__init__.py").write_text(f"open({str(marks / name)!r}, 'w').close()\n")
    home = Home(work / "runs")
    home.root.mkdir()
    shutil.copy(migrated, home.root / "mlflow.db")
    study = optuna.create_study(study_name="digits", storage=open_storage(home.storage_url))
    study.add_trial(optuna.trial.create_trial(value=1.0))
    (folder / "evil.html").write_text("<script>document.title = 'run'</script>")
    attach(open_storage(home.storage_url), "digits", 0, {"evil.html": folder / "evil.html"}, home.attachments)
    before = Path.cwd()
    os.chdir(work)
    try:
        MlflowStore(home.tracking_uri, home).experiment("digits")
        with ui.serve(
            "sqlite:///runs/studies.db",
            Stores.at(home.tracking_uri),
            Path("runs/mlartifacts"),
            Path("runs/artifacts"),
            "digits",
        ) as (addresses, _):
            yield Pages(addresses, home, marks)
    finally:
        os.chdir(before)


def test_the_link_opens_the_page_and_nothing_else_does(pages: Pages) -> None:
    assert pages.studies() == ["digits"]
    for page, path in ((pages.dashboard, "/dashboard"), (pages.mlflow, "/")):
        answer, content = page.ask(path, Cookie=page.cookie())
        assert (answer.status, answer.getheader("X-Frame-Options")) == (200, "SAMEORIGIN")
        assert b"<html" in content
        assert page.status(path) == 403
        assert page.status(path, Cookie="session=1") == 403
    assert pages.dashboard.status("/api/studies", Cookie=pages.mlflow.cookie()) == 403


def test_both_links_open_at_the_study(pages: Pages) -> None:
    link = urlsplit(pages.dashboard.link)
    answer, content = pages.dashboard.ask("/api/studies", Cookie=pages.dashboard.cookie())
    (study,) = json.loads(content)["study_summaries"]
    assert (answer.status, link.path) == (200, f"/dashboard/studies/{study['study_id']}")
    assert pages.dashboard.status(link.path, Cookie=pages.dashboard.cookie()) == 200
    ask = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=digits"
    _, content = pages.mlflow.ask(ask, Cookie=pages.mlflow.cookie())
    number = json.loads(content)["experiment"]["experiment_id"]
    assert urlsplit(pages.mlflow.link).fragment == f"/experiments/{number}/runs?workflowType=machine_learning"


def test_a_study_that_mlflow_does_not_have_opens_its_first_page(pages: Pages) -> None:
    server, token = f"http://{pages.mlflow.host}/", parse_qs(urlsplit(pages.mlflow.link).query)["token"][0]
    assert experiment_page(server, "digits", token) == f"#{urlsplit(pages.mlflow.link).fragment}"
    assert experiment_page(server, "unsent", token) == ""
    assert experiment_page(server, "digits", "") == ""  # without the token
    assert experiment_elsewhere("http://user:secret@127.0.0.1:1/", "digits") == ""


def test_a_study_that_is_not_there_is_refused_before_anything_starts(home: Home) -> None:
    optuna.create_study(study_name="digits", storage=open_storage(home.storage_url))
    with (
        pytest.raises(StudyError, match="no study is called 'digit'; did you mean digits"),
        ui.serve(home.storage_url, Stores.at(home.tracking_uri), home.artifacts, home.attachments, "digit"),
    ):
        pytest.fail("it started")


def test_nothing_is_imported_from_the_working_directory(pages: Pages) -> None:
    assert pages.studies() == ["digits"]
    assert list(pages.marks.iterdir()) == []


def test_a_name_that_is_made_to_point_here_is_refused(pages: Pages) -> None:
    for page, path in ((pages.dashboard, "/api/studies"), (pages.mlflow, "/version")):
        cookie = page.cookie()
        assert page.status(path, Host=f"attacker.example:{page.port}", Cookie=cookie) == 403
        assert page.status(path, Host=f"localhost:{page.port}", Cookie=cookie) == 200


@pytest.mark.parametrize("origin", ["http://attacker.example", "http://localhost:8888", "null"])
def test_pages_of_other_origins_change_and_read_nothing(pages: Pages, origin: str) -> None:
    cookie = pages.dashboard.cookie()
    assert pages.dashboard.status("/api/studies/1", "DELETE", Origin=origin, Cookie=cookie) == 403
    assert pages.dashboard.status("/api/studies/1", "DELETE", Sec_Fetch_Site="same-site", Cookie=cookie) == 403
    assert pages.studies() == ["digits"]
    create, cookie = "/api/2.0/mlflow/experiments/create", pages.mlflow.cookie()
    headers = {"Content_Type": "application/json", "Origin": origin, "Cookie": cookie}
    assert pages.mlflow.status(create, "POST", '{"name": "theirs"}', **headers) == 403
    assert pages.mlflow.status(create, "OPTIONS", **headers) == 403
    answer, _ = pages.mlflow.ask("/version", Origin=f"http://{pages.mlflow.host}", Cookie=cookie)
    assert (answer.status, answer.getheader("Access-Control-Allow-Origin")) == (200, None)


def test_the_page_itself_may_change_what_it_shows(pages: Pages) -> None:
    create, own = "/api/2.0/mlflow/experiments/create", f"http://{pages.mlflow.host}"
    headers = {"Content_Type": "application/json", "Origin": own, "Sec_Fetch_Site": "same-origin"}
    assert pages.mlflow.status(create, "POST", '{"name": "ours"}', Cookie=pages.mlflow.cookie(), **headers) == 200
    answer, content = pages.mlflow.ask(
        "/api/2.0/mlflow/experiments/get-by-name?experiment_name=ours", Cookie=pages.mlflow.cookie()
    )
    assert answer.status == 200
    assert json.loads(content)["experiment"]["artifact_location"].startswith("mlflow-artifacts:/")


def test_a_file_that_is_tied_to_a_trial_is_no_page(pages: Pages) -> None:
    (file,) = pages.home.attachments.iterdir()
    answer, content = pages.dashboard.ask(f"/artifacts/1/1/{file.name}", Cookie=pages.dashboard.cookie())
    assert content.startswith(b"<script>")
    assert answer.getheader("Content-Disposition") == "attachment"
    assert answer.getheader("Content-Security-Policy") == "sandbox; default-src 'none'"
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("Access-Control-Allow-Origin") is None


@pytest.mark.slow
def test_both_pages_serve_the_home_and_leave_nothing_behind(tracked: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "SERVER_ALLOWED_HOSTS": "elsewhere",
        "WORKSPACE": "mine",
        "TRACKING_URI": "x",
        "STATIC_PREFIX": "/there",
    }
    for name, value in settings.items():  # of the user's own server: a page at another path, to others alone
        monkeypatch.setenv(f"MLFLOW_{name}", value)
    before = psutil.Process().children(recursive=True)
    with ui.serve(tracked.storage_url, Stores.at(tracked.tracking_uri), tracked.artifacts, tracked.attachments) as (
        addresses,
        servers,
    ):
        dashboard, mlflow = Page(addresses.dashboard), Page(addresses.mlflow)
        assert dashboard.status("/api/studies", Cookie=dashboard.cookie()) == 200
        assert mlflow.status("/", Cookie=mlflow.cookie()) == 200
        started = [child for child in psutil.Process().children(recursive=True) if child not in before]
        assert len(started) == 2
        for child in started:
            listening = [c.laddr.ip for c in child.net_connections("inet") if c.status == psutil.CONN_LISTEN]
            assert listening == ["127.0.0.1"]
            told = " ".join([*child.cmdline(), *child.environ().values()])
            assert not any(server.token in told for server in servers)
        for server in servers:
            server.check_alive()
    assert [child for child in started if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    assert not dashboard.is_open()
    assert not mlflow.is_open()


def test_a_port_that_is_taken_is_named(home: Home, hanging_port: int) -> None:
    with (
        pytest.raises(StudyError, match=f"port {hanging_port} for optuna-dashboard is not free"),
        ui.serve(
            home.storage_url,
            Stores.at("http://elsewhere"),
            home.artifacts,
            home.attachments,
            dashboard_port=hanging_port,
        ),
    ):
        pytest.fail("it started")


@pytest.mark.usefixtures("warm_children")
def test_a_child_that_dies_shows_the_end_of_its_log(home: Home) -> None:
    home.root.mkdir()
    (home.root / "mlflow.db").write_text("buy milk\n" * 100)
    with (
        pytest.raises(StudyError, match=r"the MLflow UI has ended with code \d+\n(.|\n)*not a database"),
        ui.serve(home.storage_url, Stores.at(home.tracking_uri), home.artifacts, home.attachments),
    ):
        pytest.fail("it started")


@pytest.mark.usefixtures("warm_children")
def test_an_mlflow_server_that_runs_elsewhere_is_passed_through(home: Home) -> None:
    with ui.serve(home.storage_url, Stores.at("http://elsewhere:5000"), home.artifacts, home.attachments) as (
        addresses,
        servers,
    ):
        assert addresses.mlflow == "http://elsewhere:5000"
        assert [server.name for server in servers] == ["optuna-dashboard"]


@pytest.mark.usefixtures("warm_children")
def test_tensorboard_is_shown_behind_the_same_guard(home: Home) -> None:
    study = TrackedStudy(home, "digits", "none", pytest.fail)
    board = TensorboardTracker(study)
    for event in (TrialStarted(0, {"lr": 0.1}), Epoch(0, 1, {"val_accuracy": 0.5}), TrialEnded(0, "COMPLETE")):
        board.tell(event)
    files = event_files(home, "digits", pytest.fail)
    before = warm_children_of(os.getpid())
    with ui.serve(
        home.storage_url, Stores.at("http://elsewhere:5000"), home.artifacts, home.attachments, event_files=files
    ) as (addresses, servers):
        assert [server.name for server in servers] == ["optuna-dashboard", "TensorBoard"]
        assert addresses.tensorboard
        page = Page(addresses.tensorboard)
        assert page.status("/data/runs") == 403
        assert page.status("/data/runs", Host=f"attacker.example:{page.port}", Cookie=page.cookie()) == 403
        assert page.status("/data/runs", Origin="http://attacker.example", Cookie=page.cookie()) == 403
        answer, content = page.ask("/", Cookie=page.cookie())
        assert (answer.status, b"<title>TensorBoard</title>" in content) == (200, True)
        until = time.monotonic() + 30
        while json.loads(page.ask("/data/runs", Cookie=page.cookie())[1]) != ["trial-0000"]:
            assert time.monotonic() < until
            time.sleep(0.1)
        started = [psutil.Process(child) for child in warm_children_of(os.getpid()) if child not in before]
        assert len(started) == 2
        for child in started:
            listening = [c.laddr.ip for c in child.net_connections("inet") if c.status == psutil.CONN_LISTEN]
            assert listening == ["127.0.0.1"]
    assert [child for child in started if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    assert not page.is_open()


@pytest.mark.slow
def test_event_files_are_those_of_the_study_and_its_home_alone(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert event_files(home, "digits", pytest.fail) is None
    (tmp_path / "else" / "run").mkdir(parents=True)
    (tmp_path / "else" / "run" / "events.out.tfevents.1").touch()
    home.study("digits").mkdir(parents=True)
    (home.study("digits") / "tensorboard").symlink_to(tmp_path / "else")
    assert event_files(home, "digits", pytest.fail) is None
    assert event_files(home, "../digits", pytest.fail) is None
    (home.study("own") / "tensorboard" / "run").mkdir(parents=True)
    (home.study("own") / "tensorboard" / "run" / "events.out.tfevents.1").touch()
    assert event_files(home, "own", pytest.fail) == home.study("own") / "tensorboard"
    monkeypatch.setattr("hpo.studies.tracking.event_files.TENSORBOARD", Extra("tensorboard", "not_installed"))
    notes: list[str] = []
    assert event_files(home, "own", notes.append) is None
    assert "to see them: pip install" in notes[0]
