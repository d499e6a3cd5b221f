"""Where a study goes in MLflow: what decides, that it is kept, and what is said of it."""

import json
import os
from pathlib import Path

import pytest
from hpo.errors import StudyError
from hpo.studies.home import Home
from hpo.studies.tracking.mlflow.stores import Stores, choose_stores, keep_stores, kept_stores, newest_kept

TEAM, MODELS, OTHER = "http://team:5000", "http://models:5000", "http://other:5000"


@pytest.fixture
def notes() -> list[str]:
    return []


def choose(home: Home, notes: list[str], uri: str | None = None, study: str | None = "m") -> Stores | None:
    return choose_stores(uri, home, study, notes.append)


def test_the_homes_own_store_is_taken_without_a_word(home: Home, notes: list[str]) -> None:
    assert choose(home, notes) == Stores.at(home.tracking_uri)
    assert choose(home, notes, study=None) == Stores.at(home.tracking_uri)
    assert notes == []


def test_the_environment_is_followed_and_told(home: Home, notes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", TEAM)
    assert choose(home, notes) == Stores.at(TEAM)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", MODELS)
    assert choose(home, notes) == Stores(TEAM, MODELS)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert choose(home, notes) == Stores(home.tracking_uri, MODELS)
    assert notes == [
        "MLflow: http://team:5000 (MLFLOW_TRACKING_URI)",
        "MLflow: http://team:5000, models at http://models:5000 (MLFLOW_TRACKING_URI and MLFLOW_REGISTRY_URI)",
        f"MLflow: {home.tracking_uri}, models at http://models:5000 (MLFLOW_REGISTRY_URI)",
    ]
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "")
    assert choose(home, notes) == Stores.at(home.tracking_uri)


def test_what_is_set_and_not_followed_is_told(home: Home, notes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    keep_stores(home, "m", Stores.at(home.tracking_uri))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", TEAM)
    assert choose(home, notes) == Stores.at(home.tracking_uri)
    assert choose(home, notes, OTHER) == Stores.at(OTHER)
    assert choose(home, notes, TEAM) == Stores.at(TEAM)
    assert choose(home, notes, "none") is None
    assert notes == [
        f"MLFLOW_TRACKING_URI (http://team:5000) is not followed: study m is kept at {home.tracking_uri}; "
        "--tracking-uri URI sends it elsewhere",
        "MLFLOW_TRACKING_URI (http://team:5000) is not followed: --tracking-uri is given",
    ]


def test_a_study_goes_where_it_went_before(home: Home, notes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", TEAM)
    chosen = choose(home, notes)
    assert chosen is not None
    keep_stores(home, "m", chosen)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert choose(home, notes) == Stores.at(TEAM)
    assert notes[1:] == ["MLflow: http://team:5000, where study m is kept"]
    assert newest_kept(home) == "m"
    assert choose(home, notes, study="another") == Stores.at(home.tracking_uri)


def test_a_home_can_be_moved_and_a_relative_file_is_meant_from_here(
    home: Home, notes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_stores(home, "m", Stores.at(home.tracking_uri))
    moved = Home(home.root.rename(tmp_path / "moved"))
    assert kept_stores(moved, "m") == Stores.at(moved.tracking_uri)
    monkeypatch.chdir(tmp_path)
    assert choose(home, notes, "sqlite:///team.db") == Stores.at(f"sqlite:///{tmp_path}/team.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///team.db")
    assert choose(home, notes) == Stores.at(f"sqlite:///{tmp_path}/team.db")


def test_a_store_of_the_home_that_is_damaged_is_told_and_stops_nothing(home: Home, notes: list[str]) -> None:
    home.root.mkdir()
    (home.root / "mlflow.db").write_text("buy milk\n" * 100)
    assert choose(home, notes) == Stores.at(home.tracking_uri)
    assert notes == [f"MLflow's store {home.root}/mlflow.db cannot be used: file is not a database"]


def test_a_password_is_not_written_down_and_must_be_named_again(
    home: Home, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "postgresql://ada:s3cret@db/mlflow"
    keep_stores(home, "m", Stores.at(secret))
    assert "s3cret" not in (home.study("m") / "mlflow.json").read_text()
    with pytest.raises(StudyError, match=r"kept at postgresql://ada:\*\*\*@db/mlflow, and passwords are not written"):
        choose(home, notes)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", secret)
    assert choose(home, notes) == Stores.at(secret)
    assert not any("s3cret" in note for note in notes)


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"tracking": "x"})])
def test_a_file_that_cannot_be_read_is_named(home: Home, notes: list[str], content: str) -> None:
    path = home.study("m") / "mlflow.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(StudyError, match=r"m/mlflow\.json: cannot be read .*--tracking-uri says"):
        choose(home, notes)
    assert choose(home, notes, TEAM) == Stores.at(TEAM)


def test_nothing_is_asked_of_mlflow_here(home: Home, notes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that is down must not hold up a command."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    before = dict(os.environ)
    assert choose(home, notes) == Stores.at("http://127.0.0.1:9")
    assert dict(os.environ) == before


def test_a_home_of_somebody_else_does_not_say_where_to_send(
    home: Home, notes: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keep_stores(home, "m", Stores(home.tracking_uri, MODELS))
    assert choose(home, notes) == Stores(home.tracking_uri, MODELS)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another account"))
    with pytest.raises(StudyError, match=r"goes to http://models:5000, where you have sent nothing yet") as caught:
        choose(home, notes)
    assert len(str(caught.value).splitlines()) == 2
    assert choose(home, notes, MODELS) == Stores.at(MODELS)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", MODELS)
    assert choose(home, notes) == Stores(home.tracking_uri, MODELS)
