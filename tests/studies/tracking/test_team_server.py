"""Tracking on an MLflow server of a team: it has users, keeps files in a bucket, and is away at times."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hpo.errors import StudyError
from hpo.studies.home import Home
from hpo.studies.pages.study_pages import experiment_elsewhere
from hpo.studies.pages.ui import _mlflow_link
from hpo.studies.tracking.events import StudyEnded
from hpo.studies.tracking.mlflow.rehearsal import Rehearsal
from hpo.studies.tracking.mlflow.shipper import count_unsent
from hpo.studies.tracking.mlflow.stores import Stores, keep_stores
from hpo.studies.tracking.mlflow_tracker import MlflowTracker

from ...mlflow_servers import BUCKET, SECRET, TeamServer
from .tracked_study import INFO, METRICS, note_trial, wait_for

AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "MLFLOW_S3_ENDPOINT_URL")


@pytest.fixture
def secrets_unwritten(home: Home) -> Iterator[None]:
    yield
    assert not [path for path in home.root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.fixture
def straight(team: TeamServer) -> str:
    """The name of a study whose files clients send to the bucket themselves."""
    from mlflow import MlflowClient

    client = MlflowClient(team.uri())
    if client.get_experiment_by_name("straight") is None:
        client.create_experiment("straight", artifact_location=f"s3://{BUCKET}/straight")
    return "straight"


def refusal(uri: str, study: str = "digits") -> str:
    with pytest.raises(StudyError) as refused:
        Rehearsal(Stores.at(uri), study).check()
    assert len(str(refused.value).splitlines()) == 2
    assert SECRET not in str(refused.value)
    return str(refused.value)


@pytest.mark.slow
@pytest.mark.usefixtures("quick", "secrets_unwritten")
def test_a_server_that_is_away_for_a_while_has_each_run_once(home: Home, team: TeamServer) -> None:
    warnings: list[str] = []
    config = home.root / "config.json"
    config.parent.mkdir()
    config.write_text("{}")
    keep_stores(home, "digits", Stores.at(team.uri()))
    tracker = MlflowTracker(home, "digits", team.uri(), warnings.append)
    tracker.tell(INFO)
    note_trial(tracker, 0, artifacts=[config])
    wait_for(lambda: count_unsent(home, "digits", team.uri()) == 0)
    team.end()
    note_trial(tracker, 1, artifacts=[config])
    wait_for(lambda: bool(warnings))
    Rehearsal(Stores.at(team.uri()), "digits").check()  # who is away refuses nobody
    team.begin()
    tracker.tell(StudyEnded("FINISHED"))
    assert tracker.close(60) == 0
    shown = f"MLflow at {team.uri('***')}"
    assert warnings == [
        f"{shown} does not answer ([Errno 111] Connection refused); what it lacks waits in {home.study('digits')}",
        f"{shown} answers again; what was waiting has been sent",
    ]
    assert team.runs("digits") == [("digits", "FINISHED"), ("trial-0000", "FINISHED"), ("trial-0001", "FINISHED")]
    assert team.values("digits") == 2 * 3 * len(METRICS)
    assert team.files("digits") == ["config.json", "config.json"]
    assert count_unsent(home, "digits", team.uri("another-passw0rd")) == 0  # a password is no other store

    page = experiment_elsewhere(team.uri(), "digits")
    assert page.startswith("#/experiments/")
    assert _mlflow_link(None, team.uri(), "digits") == f"{team.address}/{page}"  # the browser asks for the password


def test_who_is_not_let_in_is_told_at_once(home: Home, team: TeamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(team.uri("wr0ng-passw0rd")).startswith(
        f"MLflow at {team.uri('***')} does not let you in: its user or password is another\n"
    )
    assert "does not let you in" in refusal(team.address)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
    for stores in (Stores.at(team.address), Stores.at(home.tracking_uri), None):
        Rehearsal(stores, "digits").check()
    warnings: list[str] = []
    tracker = MlflowTracker(home, "refused", team.uri("wr0ng-passw0rd"), warnings.append)  # of a later change
    tracker.tell(INFO)
    wait_for(lambda: bool(warnings))
    assert tracker.close(0) == 1
    assert "cannot be written (API request" in warnings[0]
    assert "error code 401" in warnings[0]
    assert "wr0ng" not in warnings[0]


@pytest.mark.usefixtures("secrets_unwritten")
def test_files_go_straight_to_the_bucket_or_it_is_told_what_is_missing(
    home: Home, team: TeamServer, straight: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.store.artifact.s3_artifact_repo import _cached_get_s3_client

    _cached_get_s3_client.cache_clear()
    for name in AWS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    wanted = f"MLflow at {team.uri('***')} has files sent to s3://{BUCKET}/straight, which this machine cannot: "
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "boto3", None)
        told = refusal(team.uri(), straight)
    assert told.startswith(wanted)
    assert "\n  pip install boto3, or have the server pass them on" in told
    assert refusal(team.uri(), straight).startswith(f"{wanted}Unable to locate credentials\n  set what it lacks, or ")
    for name, value in team.bucket.variables.items():
        monkeypatch.setenv(name, value)
    Rehearsal(Stores.at(team.uri()), straight).check()
    config = home.root / "config.json"
    config.parent.mkdir()
    config.write_text("{}")
    tracker = MlflowTracker(home, straight, team.uri(), pytest.fail)
    tracker.tell(INFO)
    note_trial(tracker, 0, artifacts=[config])
    assert tracker.close(60) == 0
    assert team.bucket.files("straight") == ["config.json"]
