import os
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from hpo.common.sqlite_url import absolute_url, sqlite_file, sqlite_url
from hpo.errors import StudyError
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from sqlalchemy import create_engine, make_url, text

ODD = [
    "q?r",
    "a?b=c&d",
    "x#y",
    "50%20z",
    "100%",
    "%zz",
    "ü b",
    "猫",
    "a+b",
    "p@q:r",
    "{v}",
    "a;b",
    "c:\\d",
    "a***b",
    "it's",
]


@pytest.mark.parametrize("name", ODD)
def test_a_path_comes_back_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / f"{name}.db"
    assert sqlite_file(sqlite_url(path)) == path
    path.parent.mkdir()
    with create_engine(sqlite_url(path)).connect() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ODD)
def test_a_home_keeps_its_stores_apart_and_inside(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path / name)
    optuna.create_study(study_name="s", storage=open_storage(home.storage_url)).enqueue_trial({"x": 1})
    assert len(optuna.load_study(study_name="s", storage=open_storage(home.storage_url)).trials) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert sqlite_file(home.storage_url) == home.root / "studies.db"
    assert sqlite_file(home.tracking_uri) == home.root / "mlflow.db"


def test_a_home_whose_path_is_no_text_is_refused() -> None:
    with pytest.raises(StudyError, match="must be UTF-8 text"):
        Home.locate(Path(os.fsdecode(b"/tmp/k\xe4se")))


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@host/runs", "sqlite://", "sqlite:///:memory:", "databricks", "x/y"]
)
def test_what_is_no_file_has_no_path(url: str) -> None:
    assert sqlite_file(url) is None
    assert absolute_url(url) == url


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("sqlite:///runs/studies.db", "sqlite:///{}/runs/studies.db"),
        ("sqlite+pysqlite:///studies.db?timeout=9", "sqlite+pysqlite:///{}/studies.db?timeout=9"),
        ("sqlite:///file:studies.db?mode=ro&uri=true", "sqlite:///file:{}/studies.db?mode=ro&uri=true"),
        ("sqlite:////data/studies.db", "sqlite:////data/studies.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("postgresql://me:secret@host/runs", "postgresql://me:secret@host/runs"),
    ],
)
def test_a_file_is_meant_from_the_working_directory(
    url: str, absolute: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert make_url(absolute_url(url)) == make_url(absolute.format(tmp_path))
