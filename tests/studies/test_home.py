import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from hpo.common.sqlite_url import sqlite_file
from hpo.errors import StudyError
from hpo.studies.home import Home
from hpo.studies.records.summarise import summarise
from hpo.studies.store.storage import open_storage
from hpo.studies.study_name import OWN_NAMES
from hpo.studies.tracking.mlflow.mlflow_store import MlflowStore, RunRef
from hpo.studies.tracking.mlflow.stores import Stores, choose_stores
from sqlalchemy import text


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("name", ["../x", "/etc", "a/b", "cache"])
def test_a_name_that_leads_elsewhere_is_never_a_folder(home: Home, name: str) -> None:
    for path_of in (home.study, home.export, lambda name: home.trial(name, 0)):
        with pytest.raises(StudyError, match="a study's name must"):
            path_of(name)


def test_what_a_home_keeps_is_called_as_no_study_is(home: Home) -> None:
    places = [home.artifacts, home.attachments, home.cache, home.served, home.single_runs]
    files = [sqlite_file(url) for url in (home.storage_url, home.tracking_uri)]
    assert sorted(path.name for path in [*places, *files] if path) == sorted(OWN_NAMES)


@pytest.mark.parametrize("number", ["../../x", -1, None, 1.5])
def test_a_trial_has_a_number(home: Home, number: int) -> None:
    with pytest.raises(StudyError, match="must have a number"):
        home.trial("a", number)


def test_a_store_may_hold_any_text_for_a_number(home: Home) -> None:
    storage = open_storage(home.storage_url)
    optuna.create_study(study_name="a", storage=storage).add_trial(optuna.trial.create_trial(value=1.0))
    with storage.engine.begin() as connection:
        connection.execute(text("UPDATE trials SET number = '../../x'"))
    with pytest.raises(StudyError, match=r"the store says '\.\./\.\./x'"):
        summarise(open_storage(home.storage_url), "a")


LINKS = ["a", "a/trials", "a/export", "cache", "train", "served", "artifacts", "mlartifacts"]


@pytest.mark.parametrize("folder", LINKS)
def test_a_link_out_of_the_home_is_not_followed(home: Home, tmp_path: Path, folder: str) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (home.root / folder).parent.mkdir(parents=True)
    (home.root / folder).symlink_to(mine)
    with pytest.raises(StudyError, match=r"is a link out of the home, to .*mine"):
        _ = {
            "a": lambda: home.study("a"),
            "a/trials": lambda: home.trial("a", 0),
            "a/export": lambda: home.export("a"),
            "train": lambda: home.single_runs,
        }.get(folder, lambda: [home.cache, home.served, home.attachments, home.artifacts])()


def test_a_home_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to("disk")
    assert Home(tmp_path / "runs").study("a") == tmp_path / "runs" / "a"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o177])
def test_a_home_and_its_databases_are_for_their_owner_alone(home: Home, umask: int) -> None:
    before, notes = os.umask(umask), list[str]()
    try:
        home.create(notes.append)
        storage = open_storage(home.storage_url)
        optuna.create_study(study_name="a", storage=storage)
    finally:
        os.umask(before)
    assert mode(home.root) == 0o700
    assert notes == []
    assert {mode(home.root / f"studies.db{part}") for part in ("", "-wal", "-shm")} == {0o600}


def test_a_home_that_exists_keeps_its_mode_and_one_of_a_group_is_the_groups(home: Home) -> None:
    home.root.mkdir()
    home.root.chmod(0o2770)
    notes: list[str] = []
    home.create(notes.append)
    open_storage(home.storage_url)
    assert mode(home.root) == 0o770
    assert notes == []
    assert mode(home.root / "studies.db") == 0o660


def test_a_home_that_is_open_to_others_is_told(home: Home) -> None:
    home.root.mkdir(0o755)
    notes: list[str] = []
    home.create(notes.append)
    assert notes == [f"{home.root} is open to other users of this machine; chmod 700 {home.root} closes it"]
    assert mode(home.root) == 0o755


def test_the_homes_own_mlflow_writes_files_into_the_home_alone(tracked: Home, tmp_path: Path) -> None:
    store = MlflowStore(tracked.tracking_uri, tracked)
    inside, outside = RunRef("1", (tracked.artifacts / "a").as_uri()), RunRef("1", (tmp_path / "mine").as_uri())
    assert store.outside(inside) == ""
    assert "outside of" in store.outside(outside)
    with pytest.raises(StudyError, match="must begin with a letter or digit"):
        store.experiment("../../x")


@pytest.mark.parametrize("name", ["q?r", "50%20z", "x#y", "ü b"])
def test_mlflow_keeps_everything_in_a_home_of_any_name(tmp_path: Path, migrated: Path, name: str) -> None:
    home = Home(tmp_path / "place" / name)
    home.root.mkdir(parents=True)
    shutil.copy(migrated, home.root / "mlflow.db")
    (tmp_path / "config.json").write_text("{}")
    store = MlflowStore(home.tracking_uri, home)
    run = store.create(store.experiment("s"), "trial", 0, {})
    assert store.outside(run) == ""
    store.add_file(run, tmp_path / "config.json")
    assert [entry.name for entry in (tmp_path / "place").iterdir()] == [name]
    assert len(list((home.artifacts / "s").glob("*/artifacts/config.json"))) == 1
    with closing(sqlite3.connect(home.root / "mlflow.db")) as file:
        assert file.execute("SELECT count(*) FROM runs").fetchone() == (1,)


@pytest.mark.parametrize("copied", [False, True])
def test_a_home_that_was_moved_takes_its_mlflow_files_with_it(tracked: Home, tmp_path: Path, copied: bool) -> None:
    (tracked.root / "one.json").write_text("{}")
    store = MlflowStore(tracked.tracking_uri, tracked)
    run = store.create(store.experiment("50% s"), "trial", 0, {})
    store.add_file(run, tracked.root / "one.json")
    elsewhere = store._client.create_experiment("mine", (tmp_path / "mine").as_uri())
    moved = Home(tmp_path / "new place")
    shutil.copytree(tracked.root, moved.root)
    if not copied:
        shutil.rmtree(tracked.root)
    before = sorted(tracked.root.rglob("*"))
    stores = choose_stores(None, moved, None, pytest.fail)
    assert stores == Stores.at(moved.tracking_uri)
    store = MlflowStore(moved.tracking_uri, moved)
    assert store._client.get_experiment(elsewhere).artifact_location == (tmp_path / "mine").as_uri()
    found = store._client.get_run(run.run_id).info.artifact_uri
    assert store.outside(RunRef(run.run_id, found)) == ""
    assert [file.path for file in store._client.list_artifacts(run.run_id)] == ["one.json"]
    new = store.create(store.experiment("50% s"), "trial", 0, {})
    store.add_file(new, moved.root / "one.json")
    assert len(list((moved.artifacts / "50% s").glob("*/artifacts/one.json"))) == 2
    assert sorted(tracked.root.rglob("*")) == before
