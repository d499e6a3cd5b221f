"""A home from somebody else makes nothing of mine leave this machine, and what is kept in mine holds no secret."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hpo.errors import StudyError
from hpo.search.commands.run.options import RunOptions
from hpo.studies.home import Home
from hpo.studies.store.locks import held
from hpo.studies.tracking.events import StudyStarted, TrialEnded, TrialStarted
from hpo.studies.tracking.mlflow.mlflow_store import make_private
from hpo.studies.tracking.mlflow.shipper import StudyShipper
from hpo.studies.tracking.mlflow.spool import SpoolWriter, read_events, spool_path
from hpo.studies.tracking.mlflow.stores import Stores, choose_stores, keep_stores
from hpo.studies.tracking.mlflow_tracker import MlflowTracker

SECRET = "s3cr3t"
URLS = [f"https://host/?token={SECRET}", f"https://{SECRET}@host", f"postgresql://ann:{SECRET}@host/mlflow"]


def contents(home: Home) -> Iterator[bytes]:
    yield from (path.read_bytes() for path in home.root.rglob("*") if path.is_file())


def test_a_spool_sends_files_of_its_home_alone(tracked: Home, tmp_path: Path) -> None:
    (tmp_path / "id_rsa").write_text(SECRET)
    warnings: list[str] = []
    (tracked.root / "digits").mkdir()
    (tracked.root / "digits" / "link").symlink_to(tmp_path / "id_rsa")
    files = [str(tmp_path / "id_rsa"), str(tracked.root / "digits" / "link")]
    SpoolWriter(spool_path(tracked, "digits", None)).append("study", {"uid": "u", "artifacts": files})
    StudyShipper(tracked, "digits", tracked.tracking_uri, warnings.append).ship()
    assert warnings == [f"{file} is outside of {tracked.root}, so it is not sent to MLflow" for file in files]
    assert not [path for path in tracked.artifacts.rglob("*") if path.is_file()]


def test_an_experiment_that_keeps_its_files_elsewhere_gets_none(tracked: Home, tmp_path: Path) -> None:
    warnings: list[str] = []
    note = tracked.root / "digits" / "study.json"
    note.parent.mkdir()
    note.write_text("{}")
    tracker = MlflowTracker(tracked, "digits", tracked.tracking_uri, warnings.append)
    tracker.tell(StudyStarted("val_accuracy", "maximize"))
    tracker.close(20)
    with closing(sqlite3.connect(tracked.root / "mlflow.db")) as store, store:
        store.execute("UPDATE runs SET artifact_uri = ?", [(tmp_path / "mine").as_uri()])
        (cursor,) = (tracked.root / "digits").glob("*.cursor")
        cursor.unlink()  # so that the run is looked for
    tracker = MlflowTracker(tracked, "digits", tracked.tracking_uri, warnings.append)
    tracker.tell(StudyStarted("val_accuracy", "maximize", artifacts=(note,)))
    tracker.close(20)
    (warning,) = warnings
    assert warning.startswith(f"study.json is not kept in MLflow: its run keeps files in {tmp_path / 'mine'}")
    assert not (tmp_path / "mine").exists()


def test_a_lock_that_is_a_link_makes_and_empties_nothing(home: Home, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("years of work")
    home.root.mkdir()
    for target in ("mine", "new"):
        link = home.root / f"{target}.lock"
        link.symlink_to(tmp_path / target)
        with pytest.raises(OSError, match="symbolic link"), held(link):
            pass
    assert (tmp_path / "mine").read_text() == "years of work"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("url", URLS)
def test_the_secrets_of_a_url_are_kept_nowhere(home: Home, url: str) -> None:
    keep_stores(home, "m", Stores.at(url))
    assert not any(SECRET.encode() in content for content in contents(home))
    assert SECRET not in RunOptions("s", 1, tracking_uri=url, storage=url).command
    assert SECRET not in str(Stores.at(url))
    with pytest.raises(StudyError, match="passwords are not written down") as raised:
        choose_stores(None, home, "m", print)
    assert SECRET not in str(raised.value)


def test_such_a_study_goes_on_where_the_environment_names_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_stores(home, "m", Stores.at(URLS[0]))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", URLS[0])
    assert choose_stores(None, home, "m", print) == Stores.at(URLS[0])


def test_who_one_is_to_mlflow_is_no_tag(tracked: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    tracker = MlflowTracker(tracked, "digits", tracked.tracking_uri, print)
    tracker.tell(StudyStarted("val_accuracy", "maximize", tags={"space": "5ace"}))
    tracker.tell(TrialStarted(0, {"lr": 0.1}))
    tracker.tell(TrialEnded(0, "COMPLETE"))
    assert tracker.close(20) == 0
    assert not any(SECRET.encode() in content for content in contents(tracked))
    assert [event.kind for event in read_events(spool_path(tracked, "digits", None), 0)[0]] == ["study"]


def test_mlflows_database_is_for_its_owner_alone(home: Home) -> None:
    make_private(home.tracking_uri)
    make_private("http://host")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home.root, *home.root.iterdir())}
    assert modes == {"runs": 0o700, "mlflow.db": 0o600}
