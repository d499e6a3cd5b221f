import json
import socket
import urllib.request
from urllib.parse import urlsplit

import optuna
import psutil
import pytest
from hpo.errors import StudyError
from hpo.studies import ui
from hpo.studies.home import Home
from hpo.studies.storage import open_storage
from hpo.studies.tracking.stores import Stores


def get(address: str) -> bytes:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=20) as answer:
        content: bytes = answer.read()
    return content


def is_open(address: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(address).port)) == 0


def test_both_browsers_serve_the_home_and_leave_nothing_behind(tracked: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "STATIC_PREFIX": "/there",
        "SERVER_ALLOWED_HOSTS": "elsewhere",
        "WORKSPACE": "mine",
        "TRACKING_URI": "x",
    }
    for name, value in settings.items():  # of the user's own server: a page at another path, to others alone
        monkeypatch.setenv(f"MLFLOW_{name}", value)
    optuna.create_study(study_name="digits", storage=open_storage(tracked.storage_url))
    with ui.serve(tracked.storage_url, Stores.at(tracked.tracking_uri), tracked.artifacts, tracked.attachments) as (
        addresses,
        servers,
    ):
        studies = json.loads(get(addresses.dashboard + "api/studies"))["study_summaries"]
        assert [study["study_name"] for study in studies] == ["digits"]
        assert b"<html" in get(addresses.mlflow)
        started = psutil.Process().children(recursive=True)
        assert len(started) == 3  # the dashboard, mlflow, and the one worker of mlflow
        for child in started:
            listening = [c.laddr.ip for c in child.net_connections("inet") if c.status == psutil.CONN_LISTEN]
            assert set(listening) <= {"127.0.0.1"}
        for server in servers:
            server.check_alive()
    assert [child for child in started if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    assert not is_open(addresses.dashboard)
    assert not is_open(addresses.mlflow)


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


def test_a_child_that_dies_shows_the_end_of_its_log(home: Home) -> None:
    home.root.mkdir()
    (home.root / "mlflow.db").write_text("buy milk\n" * 100)
    with (
        pytest.raises(StudyError, match=r"the MLflow UI has ended with code \d+\n(.|\n)*not a database"),
        ui.serve(home.storage_url, Stores.at(home.tracking_uri), home.artifacts, home.attachments),
    ):
        pytest.fail("it started")


def test_an_mlflow_server_that_runs_elsewhere_is_passed_through(home: Home) -> None:
    with ui.serve(home.storage_url, Stores.at("http://elsewhere:5000"), home.artifacts, home.attachments) as (
        addresses,
        servers,
    ):
        assert addresses.mlflow == "http://elsewhere:5000"
        assert [server.name for server in servers] == ["optuna-dashboard"]
