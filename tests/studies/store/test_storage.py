import sqlite3
import subprocess
import threading
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.errors import StudyError
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from sqlalchemy import text

from ...warm.client import Command

_OPEN_WHEN_TOLD = """
import sys
from hpo.studies.store.storage import open_storage
import optuna
print("ready", flush=True)
sys.stdin.readline()
storage = open_storage(sys.argv[1])
optuna.create_study(study_name="shared", storage=storage, load_if_exists=True).enqueue_trial({"x": 1})
"""


def test_a_study_kept_in_it_is_there_when_opened_again(home: Home) -> None:
    study = optuna.create_study(study_name="a", storage=open_storage(home.storage_url))
    study.add_trial(optuna.trial.create_trial(value=0.5))
    assert optuna.load_study(study_name="a", storage=open_storage(home.storage_url)).best_value == 0.5


def test_every_connection_is_in_write_ahead_mode_without_a_sync_per_commit(home: Home) -> None:
    engine = open_storage(home.storage_url).engine
    for _ in range(2):
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert connection.execute(text("PRAGMA synchronous")).scalar() == 1
            assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 60_000
        engine.dispose()


@pytest.mark.usefixtures("warm")
def test_processes_that_open_a_fresh_file_at_once_all_succeed(home: Home) -> None:
    pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    processes = [Command(["-c", _OPEN_WHEN_TOLD, home.storage_url], text=True, **pipes) for _ in range(6)]
    assert [process.stdout and process.stdout.readline() for process in processes] == ["ready\n"] * 6
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 6, errors
    study = optuna.load_study(study_name="shared", storage=open_storage(home.storage_url))
    assert len(study.get_trials()) == 6


def test_a_write_waits_for_a_file_that_is_locked(home: Home) -> None:
    study = optuna.create_study(storage=open_storage(home.storage_url))
    other = sqlite3.connect(home.root / "studies.db", check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.5, other.rollback)
    release.start()
    study.enqueue_trial({"x": 1})
    release.join()
    other.close()
    assert len(study.get_trials()) == 1


@pytest.mark.parametrize("url", ["sqlite:///{}/my {{runs}}/studies.db", "sqlite:///{}/my%20%7Bruns%7D/studies.db"])
def test_braces_and_spaces_in_a_url_count_as_themselves(tmp_path: Path, url: str) -> None:
    open_storage(url.format(tmp_path))
    assert (tmp_path / "my {runs}" / "studies.db").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("studies.db", "must be a SQLAlchemy URL"),
        ("nosuch://user:s3cret@host/name", "unknown database 'nosuch'"),
        ("grpc://user:s3cret@host:13000", "give the one behind the proxy"),
        ("oracle+nosuch://user:s3cret@host/name", "unknown database"),
        ("firebird://user:s3cret@host:port/name", "must be a SQLAlchemy URL"),
        ("mssql+pymssql://user:s3cret@host/name", "driver is not installed; install pymssql"),
        ("sqlite:////proc/nowhere/studies.db", "cannot be opened or created"),
    ],
)
def test_a_store_that_cannot_be_opened_is_refused_in_words_without_the_password(url: str, said: str) -> None:
    with pytest.raises(StudyError) as refused:
        open_storage(url)
    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("buy milk\n" * 100)
    with pytest.raises(StudyError, match="not an SQLite database"):
        open_storage(f"sqlite:///{path}")
    assert path.read_text() == "buy milk\n" * 100


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot be opened"):
        open_storage(f"sqlite:///{tmp_path}")


def test_a_store_that_cannot_be_written_is_refused(home: Home) -> None:
    open_storage(home.storage_url)
    with pytest.raises(StudyError, match="cannot be written"):
        open_storage(f"sqlite:///file:{home.root / 'studies.db'}?mode=ro&uri=true")


@pytest.mark.parametrize(("revision", "said"), [("v2.6.0.a", "optuna storage upgrade"), ("v99.0.0.a", "newer Optuna")])
def test_another_schema_version_is_refused_with_the_way_out(home: Home, revision: str, said: str) -> None:
    open_storage(home.storage_url).engine.dispose()
    with sqlite3.connect(home.root / "studies.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.close()
    with pytest.raises(StudyError, match=said):
        open_storage(home.storage_url)
